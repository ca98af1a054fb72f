"""Ten domains of questions to an assistant arrive one after the other; each brings a head on a frozen sentence encoder."""

from harness.data import Clinc150, Tokenizer
from harness.data.clinc150 import classes_of_domains
from harness.growth import AtStep, AttachHead, GrowthRule, Nothing, OldParameters
from harness.metrics import MacroF1
from harness.models import MINILM, Pretrained
from harness.search.space import Float
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig
from harness.training.optimizers import AdamW

EVERY = 100  # updates between two domains
DOMAINS = classes_of_domains()


def study() -> Study:
    growths = tuple(
        GrowthRule(
            trigger=AtStep(step=EVERY * number),
            operation=AttachHead(name=domain, outputs=len(DOMAINS[domain]), tap="encoder"),
            freeze=Nothing(),
        )
        for number, domain in enumerate(list(DOMAINS)[1:], start=1)
    )
    numbers = range(len(growths))
    return Study(
        name="new-domain",
        title="Ten domains arrive one after the other: which heads learn, and how much of the past is seen again?",
        question="When a new domain brings a head of its own, should the heads of earlier domains go on learning?",
        base=RunConfig(
            task=Clinc150(classes=DOMAINS, tokenizer=Tokenizer(files=MINILM, length=24), per_intent=50),
            model=Pretrained(files=MINILM, trained=False),
            training=TrainingConfig(
                optimizer=AdamW(lr=1e-2), batch_size=64, evaluate_every=EVERY, metrics={"f1": MacroF1()}
            ),
            growths=growths,
            steps=EVERY * len(DOMAINS),
        ),
        space={
            "lr": Float(field="training.optimizer.lr", low=1e-3, high=3e-2, log=True),
            "weight decay": Float(field="training.optimizer.weight_decay", low=1e-4, high=1e-1, log=True),
            "label smoothing": Float(field="training.losses.classes.label_smoothing", low=0.0, high=0.2),
        },
        arms={
            "all heads": {},
            "newest head": {f"growths.{number}.freeze": OldParameters() for number in numbers},
            "a tenth is old": {"training.replay": 0.1},
            "nothing is old": {"training.replay": 0.0},
            "all at once": {f"growths.{number}.trigger": AtStep(step=number + 1) for number in numbers},
        },
        comparison=("all heads", "newest head"),
        metric="f1/all",
        secondary=("accuracy_within/mean", f"accuracy/{next(iter(DOMAINS))}"),
        smallest_effect=0.005,
        trials=5,
        seeds=1,
    )
