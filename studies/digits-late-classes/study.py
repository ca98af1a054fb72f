"""Six digits are known; four more come late. Grow a head for them: when, where, how wide, and with all that is older frozen?"""

from harness.data import Digits
from harness.growth import AtStep, AttachHead, GrowthRule, Nothing, OldParameters
from harness.growth.freezing import UpToTap
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
    )
    return Study(
        name="digits-late-classes",
        title="Four digits learned late, with all that is older frozen or trained on",
        question="When a head for four new digits is attached, should everything learned before stay frozen?",
        base=RunConfig(
            task=Digits(classes={"known": (0, 1, 2, 3, 4, 5), "late": (6, 7, 8, 9)}),
            model=MLP(inputs=64, widths=(64, 64), dropout=0.1),
            training=TrainingConfig(optimizer=AdamW(lr=2e-3), batch_size=64, evaluate_every=25),
            growths=(growth,),
            steps=1200,
        ),
        space={
            "when": Int(field="growths.0.trigger.step", low=200, high=800, step=200),
            "where": Choice(field="growths.0.operation.tap", options=("hidden.0", "hidden.1")),
            "width": Choice(field="growths.0.operation.width", options=(0, 16, 64)),
            "init": Choice(
                field="growths.0.operation.init",
                options=("xavier_uniform", "kaiming_normal", "orthogonal", "truncated_normal"),
            ),
            "loss weight": Float(field="growths.0.loss_weight", low=0.25, high=4.0, log=True),
        },
        arms={
            "frozen": {"growths.0.freeze": OldParameters()},
            "unfrozen": {"growths.0.freeze": Nothing()},
            "trunk frozen": {"growths.0.freeze": UpToTap(tap="hidden.1")},  # both heads go on learning
        },
        comparison=("unfrozen", "frozen"),
        smallest_effect=0.005,
        trials=12,
        seeds=3,
    )
