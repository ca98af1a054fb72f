"""The study that is measured against a script: digits-late-classes, with seeds as studies have them by default."""

from harness.data import Digits
from harness.growth import AtStep, AttachHead, GrowthRule, NoFreezing, OldParameters
from harness.models import MLP
from harness.search.space import Choice, Float, Int
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig
from harness.training.optimizers import AdamW

__all__ = ["study"]


def study() -> Study:
    """Return twelve configurations with three seeds each, under two arms: 72 runs of 1,200 steps."""
    growth = GrowthRule(
        trigger=AtStep(step=400),
        operation=AttachHead(name="late", outputs=4, tap="hidden.1"),
        freeze=NoFreezing(),
    )
    return Study(
        name="late-digits",
        title="Four digits learned late",
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
        arms={"frozen": {"growths.0.freeze": OldParameters()}, "unfrozen": {"growths.0.freeze": NoFreezing()}},
        comparison=("unfrozen", "frozen"),
        smallest_effect=0.005,
    )
