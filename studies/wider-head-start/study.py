"""A network of letters gets twice as wide: by copied units, by random ones, or from the start, at equal compute."""

from typing import Any

from harness.data import Letters
from harness.growth import AtStep, GrowthRule, NoFreezing, WidenLayer
from harness.growth.units import AbstractUnits, CopiedUnits, RandomUnits
from harness.initializers import TorchDefault
from harness.models import MLP
from harness.search.space import Float, Int
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig
from harness.training.optimizers import AdamW

NARROW, WIDE = 48, 96
GROWN, STEPS = 600, 900
# A step of the narrow network takes 0.326 of the operations of one of the wide; so these take as many as a run that grows.
WIDE_STEPS, NARROW_STEPS = 496, 1520


def widened(method: AbstractUnits) -> dict[str, Any]:
    """Return the growth of both hidden layers, one right after the other."""
    return {
        "growths": tuple(
            GrowthRule(
                trigger=AtStep(step=GROWN + place),
                operation=WidenLayer(path=f"hidden.{place}.linear", to=WIDE, method=method),
                freeze=NoFreezing(),
            )
            for place in (0, 1)
        )
    }


def study() -> Study:
    wide: dict[str, Any] = {"growths": (), "model.widths": (WIDE, WIDE)}
    return Study(
        name="wider-head-start",
        title="A network gets twice as wide: by copied units, by random ones, or from the start, at equal compute",
        question="Does a wider network have a head start if its new units are copies, so that it computes the same?",
        base=RunConfig(
            task=Letters(classes={"letters": tuple(range(26))}),
            model=MLP(inputs=16, widths=(NARROW, NARROW)),
            training=TrainingConfig(optimizer=AdamW(lr=3e-3), batch_size=64, evaluate_every=20),
            growths=(),
            steps=STEPS,
        ),
        space={
            "lr": Float(field="training.optimizer.lr", low=1e-3, high=6e-3, log=True),
            "batch size": Int(field="training.batch_size", low=32, high=128, step=32),
        },
        arms={
            "copied": widened(CopiedUnits()),
            "random": widened(RandomUnits(incoming=TorchDefault(), outgoing=TorchDefault())),
            "silent": widened(RandomUnits(incoming=TorchDefault())),
            "from the start": {**wide, "steps": WIDE_STEPS},
            "without what came before": {**wide, "steps": STEPS - GROWN},
            "never": {"growths": (), "steps": NARROW_STEPS},
        },
        comparison=("copied", "random"),
        smallest_effect=0.005,
        trials=8,
        seeds=2,
    )
