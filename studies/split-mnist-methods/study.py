"""Five tasks of two digits, one after the other: the methods of a published table, task, domain and class."""

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import Tensor, nn

from harness.data import MNIST
from harness.growth import AbstractOperation, AttachHead, GrowthRule, NoFreezing, Unchanged
from harness.growth.triggers import AtEpoch
from harness.initializers import TorchDefault
from harness.losses import (
    AbstractLoss,
    Batch,
    ElasticWeightConsolidation,
    JointCrossEntropy,
    MemoryAwareSynapses,
    SeparateCrossEntropy,
    SynapticIntelligence,
)
from harness.models import MLP
from harness.search.published import Published
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig
from harness.training.memory import RandomExamples
from harness.training.optimizers import AbstractOptimizer, AdamW

PAIRS = ((0, 1), (2, 3), (4, 5), (6, 7), (8, 9))
DIGITS = tuple(range(10))
EPOCHS, BATCH_SIZE = 4, 128
STEPS = 1852  # four passes over each task
SOURCE = "Hsu et al. (2018), arXiv 1810.12488, 10 runs"
WITHIN, JOINT = "accuracy_within/mean", "accuracy_by_arrival/mean"
# Those of the publishers' scripts.
COEFFICIENTS: dict[str, dict[str, float]] = {
    "EWC": {"task": 100, "domain": 100, "class": 600},
    "online EWC": {"task": 400, "domain": 700, "class": 100},
    "SI": {"task": 300, "domain": 3000, "class": 600},
    "MAS": {"task": 1, "domain": 10_000, "class": 1},
}
# Of outputs, the publishers take means: of two, or of two, four, six and eight.
OUTPUTS = {"task": 2, "domain": 2, "class": 4}
# The publishers shuffle copies of the memory, about as large as the task, with the task.
FRACTIONS = {1100: 0.488, 4400: 0.427}
STEPS_WITH_MEMORY = {1100: 3232, 4400: 2960}
HEADS = tuple(
    AttachHead(name=f"t{number}", outputs=2, tap="hidden.1", init=TorchDefault(), bias=TorchDefault())
    for number in range(1, 5)
)


class Adagrad(AbstractOptimizer):
    """Adagrad (Duchi et al. 2011) as torch has it."""

    kind: Literal["adagrad"] = "adagrad"

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Return `torch.optim.Adagrad`."""
        return torch.optim.Adagrad(list(parameters), self.lr)


class MeanOverBatch(SeparateCrossEntropy):
    """The same, averaged over all examples of the batch, whichever head they belong to."""

    kind: Literal["mean_over_batch"] = "mean_over_batch"  # type: ignore[assignment]

    def components(self, name: str, batch: Batch) -> dict[str, Tensor]:
        """Return one component per head, by the head's name."""
        counts, size = self.counts(name, batch), len(batch.labels)
        return {head: mean * counts[head] / size for head, mean in super().components(name, batch).items()}


def mnist(classes: dict[str, Any], hidden: tuple[int, ...] = ()) -> MNIST:
    """Return the digits, padded and standardized as published; 500 training images validate."""
    return MNIST(padding=2, validation=1 / 120, classes=classes, hidden=hidden)


def at_boundaries(operations: tuple[AbstractOperation, ...], *, reveal: bool) -> tuple[GrowthRule, ...]:
    """Return one growth after four passes over each task but the last."""
    return tuple(
        GrowthRule(
            trigger=AtEpoch(epoch=EPOCHS), operation=operation, freeze=NoFreezing(), reveals=pair if reveal else ()
        )
        for operation, pair in zip(operations, PAIRS[1:], strict=True)
    )


def kinds() -> dict[str, dict[str, Any]]:
    """Return what a task boundary brings: a head, new meanings of a head, or new classes of a head."""
    same = at_boundaries((Unchanged(),) * 4, reveal=True)
    heads, parity = {f"t{number}": pair for number, pair in enumerate(PAIRS)}, (DIGITS[::2], DIGITS[1::2])
    return {
        "task": {"task": mnist(heads), "growths": at_boundaries(HEADS, reveal=False)},
        "domain": {"task": mnist({"parity": parity}, hidden=DIGITS[2:]), "growths": same},
        "class": {"task": mnist({"digits": DIGITS}, hidden=DIGITS[2:]), "growths": same},
    }


def penalty(method: str, kind: str) -> AbstractLoss:
    """Return the loss of a method that holds parameters where they were."""
    coefficient = COEFFICIENTS[method][kind]
    if method == "SI":
        return SynapticIntelligence(weight=coefficient)
    if method == "MAS":
        return MemoryAwareSynapses(weight=coefficient / OUTPUTS[kind], examples=512, together=BATCH_SIZE)
    decay = 1.0 if method == "online EWC" else None
    return ElasticWeightConsolidation(weight=2 * coefficient, fisher="predicted", examples=500, decay=decay)


def arms() -> dict[str, dict[str, Any]]:
    """Return every method in every kind."""
    found: dict[str, dict[str, Any]] = {}
    for kind, changes in kinds().items():
        classes = {"classes": MeanOverBatch() if kind == "task" else JointCrossEntropy()}
        found[f"{kind}, Adagrad"] = changes | {"training.losses": classes, "training.optimizer": Adagrad(lr=0.01)}
        for method in COEFFICIENTS:
            losses = {**classes, "penalty": penalty(method, kind)}
            found[f"{kind}, {method}"] = changes | {"training.losses": losses}
        for size, fraction in FRACTIONS.items():
            found[f"{kind}, rehearsal {size}"] = changes | {
                "training.losses": classes,
                "training.memory": RandomExamples(size=size, fraction=fraction),
                "steps": STEPS_WITH_MEMORY[size],
            }
    return found


def published() -> tuple[Published, ...]:
    """Return those rows of the table that could be checked, in fractions."""
    table = {
        "rehearsal 1100": {"task": (99.40, 0.08), "domain": (95.16, 0.49), "class": (90.78, 0.85)},
        "rehearsal 4400": {"task": (99.57, 0.07), "domain": (97.11, 0.34), "class": (95.59, 0.49)},
    }
    return tuple(
        Published(
            arm=f"{kind}, {method}",
            metric=WITHIN if kind == "task" else JOINT,
            mean=mean / 100,
            std=std / 100,
            source=SOURCE,
        )
        for method, row in table.items()
        for kind, (mean, std) in row.items()
    )


def study() -> Study:
    return Study(
        name="split-mnist-methods",
        title="Split MNIST: penalties, rehearsal and Adagrad of a published table",
        question="Which methods against forgetting come to what their publishers say, and which keep classes apart?",
        base=RunConfig(
            task=mnist({"digits": DIGITS}, hidden=DIGITS[2:]),
            model=MLP(inputs=1024, widths=(400, 400)),
            training=TrainingConfig(
                batch_size=BATCH_SIZE,
                optimizer=AdamW(lr=1e-3, weight_decay=0.0),
                losses={"classes": JointCrossEntropy()},
                memory=RandomExamples(size=0),
                evaluate_every=400,
            ),
            steps=STEPS,
        ),
        space={},
        arms=arms(),
        comparison=("class, rehearsal 1100", "class, EWC"),
        metric=JOINT,
        published=published(),
        trials=1,
        seeds=10,
    )
