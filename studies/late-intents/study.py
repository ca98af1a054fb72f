"""Forty intents of a bank's customers are known to a fine-tuned encoder; 37 come late. What of the encoder stays frozen?"""

from harness.data import Banking77, Tokenizer
from harness.growth import AtStep, AttachHead, GrowthRule, Nothing
from harness.growth.freezing import AllButLast, DiscriminativeRates, UpToTap
from harness.metrics import MacroF1
from harness.models import MINILM, Pretrained
from harness.search.space import Float, Int
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig
from harness.training.optimizers import AdamW

KNOWN = 40
BLOCKS = "encoder.network.encoder.layer"


def study() -> Study:
    growth = GrowthRule(
        trigger=AtStep(step=60),
        operation=AttachHead(name="late", outputs=77 - KNOWN, tap="encoder"),
        freeze=Nothing(),
    )
    rates = DiscriminativeRates(layers=("encoder.network.embeddings", f"{BLOCKS}.1", f"{BLOCKS}.3", f"{BLOCKS}.5"))
    return Study(
        name="late-intents",
        title="Intents learned late by a pretrained encoder, with all of it frozen, some of it, or nothing",
        question="When a head for 37 new intents is attached to a fine-tuned sentence encoder, should the encoder stay frozen?",
        base=RunConfig(
            task=Banking77(
                classes={"known": tuple(range(KNOWN)), "late": tuple(range(KNOWN, 77))},
                tokenizer=Tokenizer(files=MINILM, length=24),
            ),
            model=Pretrained(files=MINILM, dropout=0.1),
            training=TrainingConfig(
                optimizer=AdamW(lr=3e-4), batch_size=32, evaluate_every=70, metrics={"f1": MacroF1()}
            ),
            growths=(growth,),
            steps=140,
        ),
        space={
            "when": Int(field="growths.0.trigger.step", low=40, high=80, step=20),
            "lr": Float(field="training.optimizer.lr", low=1e-4, high=1e-3, log=True),
            "lr of the head": Float(field="growths.0.lr_factor", low=1.0, high=10.0, log=True),
        },
        arms={
            "trunk frozen": {"growths.0.freeze": UpToTap(tap="encoder")},  # both heads go on learning
            "unfrozen": {"growths.0.freeze": Nothing()},
            "last blocks": {"growths.0.freeze": AllButLast(blocks=BLOCKS, count=2)},
            "discriminative rates": {"growths.0.freeze": rates},
        },
        comparison=("unfrozen", "trunk frozen"),
        metric="f1/all",
        secondary=("accuracy/known", "accuracy/late"),
        smallest_effect=0.01,
        trials=5,
        seeds=1,
    )
