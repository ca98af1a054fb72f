"""A study that works; each mistake is a change of it."""

__all__ = ["STUDY"]

STUDY = '''"""Should the trunk stay frozen?"""

from harness.data import Digits
from harness.growth import AtStep, AttachHead, GrowthRule, NoFreezing, OldParameters
from harness.models import MLP
from harness.search.space import Int
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig


def study() -> Study:
    growth = GrowthRule(
        trigger=AtStep(step=20),
        operation=AttachHead(name="late", outputs=4, tap="hidden.0"),
        freeze=NoFreezing(),
    )
    return Study(
        name="tiny",
        title="A tiny study",
        question="Should the trunk stay frozen?",
        base=RunConfig(
            task=Digits(classes={"known": (0, 1, 2, 3, 4, 5), "late": (6, 7, 8, 9)}),
            model=MLP(inputs=64, widths=(8,)),
            training=TrainingConfig(batch_size=32),
            growths=(growth,),
            steps=40,
        ),
        space={"when": Int(field="growths.0.trigger.step", low=10, high=30, step=10)},
        arms={"frozen": {"growths.0.freeze": OldParameters()}, "unfrozen": {}},
        comparison=("unfrozen", "frozen"),
        trials=2,
        seeds=1,
    )
'''
