"""Five coarse classes of CIFAR-100 become their twenty-five fine ones: split rows, or a new layer and a teacher."""

from typing import Any

from harness.data import CIFAR100
from harness.growth import AtStep, GrowthRule, Nothing, ReplaceHead, SplitClass
from harness.growth.freezing import AbstractFreezePolicy, UpToTap
from harness.losses import AbstractLoss, Distillation, JointCrossEntropy
from harness.models import ConvNet
from harness.search.space import Float, Int
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig
from harness.training.optimizers import AdamW

# Flowers, fruit and vegetables, household electrical devices, trees, vehicles: the fine classes of each.
FINE = {
    2: (54, 62, 70, 82, 92),
    4: (0, 51, 53, 57, 83),
    5: (22, 39, 40, 86, 87),
    17: (47, 52, 56, 59, 96),
    18: (8, 13, 48, 58, 90),
}
GROUPS = tuple(FINE.values())
CHILDREN = 5
LATER = tuple(label for group in GROUPS for label in group[1:])
ALL = tuple(label for group in GROUPS for label in group)
WHEN = 300
TRUNK = UpToTap(tap="hidden")


def cifar(columns: tuple[Any, ...]) -> CIFAR100:
    """Return the images of the five coarse classes, with these columns."""
    return CIFAR100(level="fine", coarse=tuple(FINE), classes={"things": columns})


def split(freeze: AbstractFreezePolicy) -> tuple[GrowthRule, ...]:
    """Return five growths, one a step: every coarse class is split, its first child stays in its column."""
    return tuple(
        GrowthRule(
            trigger=AtStep(step=WHEN + parent),
            operation=SplitClass(path="output", parent=parent, children=CHILDREN, noise=0.1),
            freeze=freeze,
        )
        for parent in range(len(GROUPS))
    )


def replace(freeze: AbstractFreezePolicy) -> tuple[GrowthRule, ...]:
    """Return one growth: another output layer, and the network as it was as the teacher."""
    operation = ReplaceHead(path="output", to=len(ALL), keep_teacher=True)
    return (GrowthRule(trigger=AtStep(step=WHEN), operation=operation, freeze=freeze, reveals=ALL),)


def learning(*, distill: bool) -> dict[str, AbstractLoss]:
    """Return the losses of an output layer in which `CHILDREN` columns in a row are one old class."""
    losses: dict[str, AbstractLoss] = {"classes": JointCrossEntropy()}
    if distill:
        parents = tuple(column // CHILDREN for column in range(len(ALL)))
        losses["teacher"] = Distillation(columns=parents, temperature=2.0, weight=0.5)
    return losses


def study() -> Study:
    return Study(
        name="split-and-distill",
        title="Coarse classes become fine ones: split rows, or a new layer taught by the old network",
        question="When five coarse classes are split into fine ones, should everything learned before stay frozen?",
        base=RunConfig(
            task=cifar(GROUPS),
            model=ConvNet(image=(3, 32, 32), channels=(16, 32), hidden=64, dropout=0.25),
            training=TrainingConfig(
                optimizer=AdamW(lr=2e-3), batch_size=64, losses=learning(distill=False), evaluate_every=50
            ),
            growths=split(Nothing()),
            steps=800,
        ),
        space={
            "lr": Float(field="training.optimizer.lr", low=1e-3, high=4e-3, log=True),
            "batch size": Int(field="training.batch_size", low=48, high=80, step=16),
        },
        arms={
            "split": {},
            "split, frozen": {"growths": split(TRUNK)},
            "new layer": {"growths": replace(Nothing())},
            "new layer, distilled": {"growths": replace(Nothing()), "training.losses": learning(distill=True)},
            "new layer, frozen": {"growths": replace(TRUNK)},
            "fine from the start": {"task": cifar(ALL), "growths": ()},
        },
        comparison=("split", "split, frozen"),
        smallest_effect=0.01,
        trials=5,
        seeds=2,
    )
