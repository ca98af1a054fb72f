"""Six kinds of clothes are known; four more come late. The question of the digits, for a convolutional network."""

from harness.data import FashionMNIST
from harness.growth import AtStep, AttachHead, GrowthRule, Nothing, OldParameters
from harness.growth.freezing import UpToTap, WarmUpThenThaw
from harness.models import ConvNet
from harness.search.space import Choice, Float, Int
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig
from harness.training.optimizers import AdamW


def study() -> Study:
    growth = GrowthRule(
        trigger=AtStep(step=400),
        operation=AttachHead(name="late", outputs=4, tap="hidden"),
        freeze=Nothing(),
    )
    return Study(
        name="fashion-late-classes",
        title="Four kinds of clothes learned late, with all that is older frozen or trained on",
        question="When a head for four new kinds of clothes is attached, should everything learned before stay frozen?",
        base=RunConfig(
            task=FashionMNIST(classes={"known": (0, 1, 2, 3, 4, 5), "late": (6, 7, 8, 9)}),
            model=ConvNet(image=(1, 28, 28), channels=(16, 32), hidden=64, dropout=0.25),
            training=TrainingConfig(optimizer=AdamW(lr=2e-3), batch_size=64, evaluate_every=50),
            growths=(growth,),
            steps=1200,
        ),
        space={
            "when": Int(field="growths.0.trigger.step", low=200, high=800, step=200),
            "where": Choice(field="growths.0.operation.tap", options=("blocks.1", "hidden")),
            "width": Choice(field="growths.0.operation.width", options=(0, 32, 128)),
            "init": Choice(
                field="growths.0.operation.init",
                options=("xavier_uniform", "kaiming_normal", "orthogonal", "truncated_normal"),
            ),
            "loss weight": Float(field="growths.0.loss_weight", low=0.25, high=4.0, log=True),
        },
        arms={
            "frozen": {"growths.0.freeze": OldParameters()},
            "unfrozen": {"growths.0.freeze": Nothing()},
            "trunk frozen": {"growths.0.freeze": UpToTap(tap="hidden")},  # both heads go on learning
            "thawed after 100": {"growths.0.freeze": WarmUpThenThaw(steps=100)},
            "never grown": {"growths": ()},
            "grown at once": {"growths.0.trigger": AtStep(step=1)},
        },
        comparison=("unfrozen", "frozen"),
        smallest_effect=0.005,
        trials=12,
        seeds=3,
    )
