"""What a network forgets in the updates after a growth, seen update by update: does a slower old part forget less?"""

from harness.data import Digits
from harness.growth import AtStep, AttachHead, GrowthRule, Nothing, OldParameters
from harness.growth.freezing import DiscriminativeRates, WarmUpThenThaw
from harness.models import MLP
from harness.search.space import Choice, Float, Int
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig
from harness.training.optimizers import AdamW


def study() -> Study:
    growth = GrowthRule(
        trigger=AtStep(step=400),
        operation=AttachHead(name="late", outputs=4, tap="hidden.1"),
        freeze=Nothing(),
        keep_teacher=True,  # drift is measured from the network as it was
    )
    return Study(
        name="stability-gap",
        title="What is forgotten in the updates after a growth, and whether a slower old part forgets less",
        question="When a head for four new digits is attached, should what is older learn ten times more slowly?",
        base=RunConfig(
            task=Digits(classes={"known": (0, 1, 2, 3, 4, 5), "late": (6, 7, 8, 9)}),
            model=MLP(inputs=64, widths=(64, 64), dropout=0.1),
            training=TrainingConfig(
                optimizer=AdamW(lr=2e-3),
                batch_size=64,
                evaluate_every=25,
                evaluate_after_growth=50,
                record_classes=True,
                record_drift=True,
            ),
            growths=(growth,),
            steps=1200,
        ),
        space={
            "when": Int(field="growths.0.trigger.step", low=200, high=800, step=200),
            "where": Choice(field="growths.0.operation.tap", options=("hidden.0", "hidden.1")),
            "width": Choice(field="growths.0.operation.width", options=(0, 64)),
            "loss weight": Float(field="growths.0.loss_weight", low=0.25, high=4.0, log=True),
        },
        arms={
            "slow": {"growths.0.freeze": DiscriminativeRates(layers=("hidden.0", "hidden.1"), decay=1.0, top=0.1)},
            "unfrozen": {"growths.0.freeze": Nothing()},
            "thawed after 100": {"growths.0.freeze": WarmUpThenThaw(steps=100)},
            "frozen": {"growths.0.freeze": OldParameters()},
        },
        comparison=("slow", "unfrozen"),
        secondary=("accuracy/known", "accuracy/late"),
        smallest_effect=0.005,
        trials=12,
        seeds=3,
    )
