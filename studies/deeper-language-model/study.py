"""A language model of characters gets from two to four blocks: stacked, inserted, from the start, or never; at equal compute."""

from harness.data import Output, TinyShakespeare
from harness.growth import AtStep, DuplicateLayers, GrowthRule, Nothing
from harness.losses import CrossEntropy
from harness.metrics import Perplexity
from harness.models import Decoder
from harness.search.space import Choice, Float
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig
from harness.training.optimizers import AdamW

CHARACTERS, LENGTH = 65, 64
GROWN, STEPS = 400, 800
# A step of two blocks takes 0.51 of the operations of one of four; so these runs take as many as one that grows.
DEEP_STEPS, SHALLOW_STEPS = 604, 1184


def study() -> Study:
    growth = GrowthRule(trigger=AtStep(step=GROWN), operation=DuplicateLayers(path="blocks"), freeze=Nothing())
    return Study(
        name="deeper-language-model",
        title="A language model grows from two blocks to four: stacked, inserted, or deep from the start, at equal compute",
        question="Is a language model better at equal compute if it grows to four blocks than with four from the start?",
        base=RunConfig(
            task=TinyShakespeare(length=LENGTH, outputs={"next": Output(kind="classes", columns=CHARACTERS)}),
            model=Decoder(context=LENGTH, width=96, depth=2, heads=4),
            training=TrainingConfig(
                optimizer=AdamW(lr=3e-3),
                batch_size=16,
                losses={"next": CrossEntropy()},
                metrics={"perplexity": Perplexity()},
                clip_norm=1.0,
                evaluate_every=100,
            ),
            growths=(growth,),
            steps=STEPS,
        ),
        space={
            "lr": Float(field="training.optimizer.lr", low=1e-3, high=6e-3, log=True),
            "weights": Choice(field="model.tied", options=(True, False)),
            "moments": Choice(field="growths.0.operation.moments", options=("carried", "fresh")),
        },
        arms={
            "stacked": {},
            "inserted": {  # each copy after its own original, silent at first
                "growths.0.operation.order": "interleave",
                "growths.0.operation.zeroed": ("attention.attention.out_proj", "mlp.project"),
            },
            "from the start": {"growths": (), "model.depth": 4, "steps": DEEP_STEPS},
            "never": {"growths": (), "steps": SHALLOW_STEPS},
        },
        comparison=("stacked", "from the start"),
        metric="perplexity/next",
        secondary=("accuracy/next",),
        smallest_effect=0.05,
        trials=5,
        seeds=1,
    )
