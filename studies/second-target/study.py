"""The heating load of buildings is learned first; the cooling load joins as a second output."""

from harness.data import EnergyEfficiency, Output
from harness.growth import AtStep, AttachHead, GrowthRule, Nothing, OldParameters
from harness.losses import TargetWeighted
from harness.models import MLP
from harness.search.space import Choice, Float, Int
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig
from harness.training.optimizers import AdamW

LARGE = 30.0  # kWh/m2: a fifth of the buildings need more for cooling
HEAD = AttachHead(name="cooling", outputs=1, tap="hidden.1")


def study() -> Study:
    growth = GrowthRule(trigger=AtStep(step=800), operation=HEAD, freeze=Nothing())
    return Study(
        name="second-target",
        title="Cooling joins heating as a second target, on a frozen or an unfrozen network",
        question="When a second number is to be predicted, should everything learned for the first one stay frozen?",
        base=RunConfig(
            task=EnergyEfficiency(outputs={"heating": Output(), "cooling": Output()}),
            model=MLP(inputs=8, widths=(64, 32)),
            training=TrainingConfig(
                optimizer=AdamW(lr=3e-3),
                batch_size=32,
                losses={
                    "heating": TargetWeighted(threshold=LARGE, slope=0.1),
                    "cooling": TargetWeighted(threshold=LARGE, slope=0.1),
                },
                evaluate_every=50,
            ),
            growths=(growth,),
            steps=2000,
        ),
        space={
            "when": Int(field="growths.0.trigger.step", low=400, high=1600, step=400),
            "where": Choice(field="growths.0.operation.tap", options=("hidden.0", "hidden.1")),
            "width": Choice(field="growths.0.operation.width", options=(0, 16)),
            "loss weight": Float(field="growths.0.loss_weight", low=0.25, high=4.0, log=True),
            "slope": Float(field="training.losses.cooling.slope", low=0.0, high=0.4),
        },
        arms={
            "frozen": {"growths.0.freeze": OldParameters()},
            "unfrozen": {"growths.0.freeze": Nothing()},
        },
        comparison=("unfrozen", "frozen"),
        metric="rmse/cooling",
        smallest_effect=0.05,
        trials=12,
        seeds=3,
    )
