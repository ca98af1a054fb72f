"""A layer is added whenever validation stops improving, three times at most: does it help, with the old ones frozen?"""

from typing import Any

from harness.data import Letters
from harness.growth import GrowthRule, InsertLayer, Nothing, OldParameters
from harness.growth.freezing import AbstractFreezePolicy
from harness.growth.layers import MLPBlock
from harness.growth.triggers import Plateau
from harness.models import MLP
from harness.search.space import Float, Int
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig
from harness.training.optimizers import AdamW

LAYERS = ("second", "third", "fourth")


def insertion(index: int) -> InsertLayer:
    """Return the insertion of the layer `index`, behind all that were inserted earlier."""
    return InsertLayer(after="hidden.0", name=LAYERS[index], layer=MLPBlock(width=64))


def on_plateau(freeze: AbstractFreezePolicy) -> list[GrowthRule]:
    """Return one rule a layer, since a rule acts once; at a plateau the first that is left acts."""
    return [
        GrowthRule(
            trigger=Plateau(metric="val/loss/total", patience=2, min_delta=0.05),
            operation=insertion(index),
            freeze=freeze,
        )
        for index in range(len(LAYERS))
    ]


def study() -> Study:
    start: dict[str, Any] = {"growths": [], "start": [insertion(index) for index in range(len(LAYERS))]}
    return Study(
        name="grow-on-plateau",
        title="Layers added at every plateau, or from the start, or never",
        question="Is a layer added at every plateau better than none, and than all layers from the start?",
        base=RunConfig(
            task=Letters(classes={"letters": tuple(range(26))}),
            model=MLP(inputs=16, widths=(32,)),
            training=TrainingConfig(optimizer=AdamW(lr=2e-3), batch_size=64, evaluate_every=50),
            growths=tuple(on_plateau(Nothing())),
            steps=2000,
        ),
        space={
            "lr": Float(field="training.optimizer.lr", low=1e-3, high=8e-3, log=True),
            "batch size": Int(field="training.batch_size", low=32, high=128, step=32),
        },
        arms={
            "on plateau": {},
            "on plateau, frozen": {"growths": on_plateau(OldParameters())},
            "never": {"growths": []},
            "from the start": start,
        },
        comparison=("on plateau", "never"),
        smallest_effect=0.005,
        trials=6,
        seeds=2,
    )
