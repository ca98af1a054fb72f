"""Five tasks of two digits, one after the other: a second published table, with other methods' own losses."""

import dataclasses
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import NonNegativeInt
from torch import Tensor
from torch.nn import functional

from harness.data import MNIST, Split, TaskData
from harness.growth import AbstractOperation, AttachHead, GrowthRule, NoFreezing, Unchanged, WidenHead
from harness.growth.triggers import AtStep
from harness.initializers import TorchDefault
from harness.losses import (
    AbstractLoss,
    Batch,
    ElasticWeightConsolidation,
    JointCrossEntropy,
    SeparateCrossEntropy,
    SynapticIntelligence,
)
from harness.models import MLP
from harness.search.published import Published
from harness.search.space import Int
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig
from harness.training.memory import Herding, RandomExamples
from harness.training.optimizers import AdamW

PAIRS = ((0, 1), (2, 3), (4, 5), (6, 7), (8, 9))
DIGITS = tuple(range(10))
EACH, BATCH_SIZE, TEMPERATURE = 2000, 128, 2.0
MEAN, DEVIATION = 0.1307, 0.3081  # of pixels, by which `MNIST` standardizes
RUNS = 20
FIRST = f"van de Ven and Tolias (2018), arXiv 1809.10635, {RUNS} runs"
SECOND = f"van de Ven and Tolias (2019), arXiv 1904.07734, {RUNS} runs"
WITHIN, JOINT = "accuracy_within/mean", "accuracy_by_arrival/mean"
EWC_LAMBDA = 5000  # of the publishers' script
SI_C = 10  # of the publishers' later code
METHODS = {
    "task": ("none", "EWC", "SI", "LwF", "offline"),
    "domain": ("none", "LwF"),
    "class": ("none", "LwF", "offline"),
}
HEADS = tuple(
    AttachHead(name=f"t{number}", outputs=2, tap="hidden.1", init=TorchDefault(), bias=TorchDefault())
    for number in range(1, 5)
)
ROWS = tuple(
    WidenHead(path="output", to=size, new_rows=TorchDefault(), new_bias=TorchDefault()) for size in (4, 6, 8, 10)
)


class ShuffledDigits(MNIST):
    """Pixels from 0 to 1, and digits that are called by one another's names, so that other pairs make the tasks.

    Attributes:
        order: one of the orders in which digits get names.
    """

    kind: Literal["shuffled_digits"] = "shuffled_digits"  # type: ignore[assignment]
    order: NonNegativeInt = 0

    def load(self, folder: Path | None) -> TaskData:
        """Return the data, from `folder` or the publisher."""
        data = super().load(folder)
        names = torch.randperm(len(DIGITS), generator=torch.Generator().manual_seed(self.order))
        parts = {name: _renamed(getattr(data, name), names) for name in ("train", "validation", "test")}
        return dataclasses.replace(data, **parts)


def _renamed(split: Split, names: Tensor) -> Split:
    assert isinstance(split.inputs, Tensor)
    return Split(split.inputs * DEVIATION + MEAN, names[split.labels])


class ReplayOfCurrent(AbstractLoss):
    """Learning without forgetting as the publishers have it: the current images are replayed with a teacher's answers.

    Of T tasks so far, `classify` has the weight 1/T, and the cross-entropy to the teacher's answers the rest, averaged
    over images and classes. Classes that the teacher does not know have the probability 0 in its answers; heads of tasks
    are compared one by one.
    """

    kind: Literal["replay_of_current"] = "replay_of_current"
    classify: AbstractLoss

    @property
    def needs_teacher(self) -> bool:
        """Return True."""
        return True

    @property
    def classifies(self) -> bool:
        """Return True."""
        return True

    @property
    def before_growth(self) -> AbstractLoss:
        """Return what is left without a teacher."""
        return self.classify

    def predictions(self, name: str, batch: Batch) -> Tensor | None:
        """Return those of `classify`."""
        return self.classify.predictions(name, batch)

    def components(self, name: str, batch: Batch) -> dict[str, Tensor]:
        """Return those of `classify`, and one more if there is a teacher."""
        tasks = len(batch.specs.label_map.arrivals)
        current = {head: value / tasks for head, value in self.classify.components(name, batch).items()}
        if batch.teacher is None:
            return current
        kept = torch.stack([_distilled(batch.outputs[head], old) for head, old in batch.teacher.items()]).mean()
        return current | {name: (1 - 1 / tasks) * TEMPERATURE**2 * kept}


def _distilled(new: Tensor, old: Tensor) -> Tensor:
    log_q = (new / TEMPERATURE).log_softmax(dim=1)[:, : old.shape[1]]
    return -((old / TEMPERATURE).softmax(dim=1) * log_q).sum(dim=1).mean() / new.shape[1]


class BinaryWithTeacher(AbstractLoss):
    """iCaRL's loss as the publishers have it: each class by itself, old ones by a teacher's answers, for all images."""

    kind: Literal["binary_with_teacher"] = "binary_with_teacher"

    @property
    def needs_teacher(self) -> bool:
        """Return True."""
        return True

    @property
    def classifies(self) -> bool:
        """Return True."""
        return True

    def predictions(self, name: str, batch: Batch) -> Tensor | None:  # noqa: ARG002
        """Return the logits of the digits seen so far."""
        return batch.specs.label_map.joined(batch.outputs)

    def components(self, name: str, batch: Batch) -> dict[str, Tensor]:
        """Return one component."""
        label_map = batch.specs.label_map
        logits = label_map.joined(batch.outputs)
        targets = functional.one_hot(label_map.column[batch.labels], logits.shape[1]).to(logits)
        if batch.teacher is not None:
            old = batch.teacher[label_map.heads[0]]
            targets[:, : old.shape[1]] = (old / TEMPERATURE).sigmoid()
        losses = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        return {name: losses.sum(dim=1).mean()}


class OverBatch(SeparateCrossEntropy):
    """The same, averaged over all examples of the batch, whichever head they belong to."""

    kind: Literal["over_batch"] = "over_batch"  # type: ignore[assignment]

    def components(self, name: str, batch: Batch) -> dict[str, Tensor]:
        """Return one component per head, by the head's name."""
        counts, size = self.counts(name, batch), len(batch.labels)
        return {head: mean * counts[head] / size for head, mean in super().components(name, batch).items()}


def at_boundaries(operations: tuple[AbstractOperation, ...], *, reveal: bool, teacher: bool) -> tuple[GrowthRule, ...]:
    """Return one growth after the updates of each task but the last."""
    return tuple(
        GrowthRule(
            trigger=AtStep(step=EACH * number),
            operation=operation,
            freeze=NoFreezing(),
            reveals=pair if reveal else (),
            keep_teacher=teacher,
        )
        for number, (operation, pair) in enumerate(zip(operations, PAIRS[1:], strict=True), start=1)
    )


def kinds(*, teacher: bool) -> dict[str, dict[str, Any]]:
    """Return what a task boundary brings. With a teacher, whose outputs are old classes, digits get rows of their own."""
    same = at_boundaries((Unchanged(),) * 4, reveal=True, teacher=teacher)
    rows = at_boundaries(ROWS, reveal=True, teacher=teacher)
    heads = {f"t{number}": pair for number, pair in enumerate(PAIRS)}
    late = {"task.hidden": DIGITS[2:], "growths": same}
    return {
        "task": {"task.classes": heads, "growths": at_boundaries(HEADS, reveal=False, teacher=teacher)},
        "domain": {"task.classes": {"parity": (DIGITS[::2], DIGITS[1::2])}, **late},
        "class": {"task.classes": {"digits": (0, 1)}, "growths": rows} if teacher else late,
    }


def method(name: str, kind: str) -> dict[str, Any]:
    """Return what a method changes."""
    classify = OverBatch() if kind == "task" else JointCrossEntropy()
    losses: dict[str, dict[str, AbstractLoss]] = {
        "EWC": {"penalty": ElasticWeightConsolidation(weight=EWC_LAMBDA, fisher="predicted")},
        "SI": {"penalty": SynapticIntelligence(weight=SI_C)},
        "LwF": {"classes": ReplayOfCurrent(classify=classify)},
    }
    changes: dict[str, Any] = {"training.losses": {"classes": classify} | losses.get(name, {})}
    return changes | ({"training.memory": None} if name == "offline" else {})


def icarl() -> dict[str, Any]:
    """Return iCaRL with 2,000 images, which the publishers have for the digits alone."""
    return kinds(teacher=True)["class"] | {
        "training.losses": {"classes": BinaryWithTeacher()},
        "training.memory": Herding(size=2000, tap="hidden.1"),
        "training.nearest_mean": "hidden.1",
    }


def arms() -> dict[str, dict[str, Any]]:
    """Return the methods of each kind."""
    found = {
        f"{kind}, {name}": kinds(teacher=name == "LwF")[kind] | method(name, kind)
        for kind, names in METHODS.items()
        for name in names
    }
    return found | {"class, iCaRL": icarl()}


def published() -> tuple[Published, ...]:
    """Return the tables, in fractions; they print standard errors of means."""
    table = {
        "none": {"task": (85.15, 1.00), "domain": (57.33, 1.66), "class": (19.90, 0.02)},
        "EWC": {"task": (85.48, 1.20)},
        "SI": {"task": (99.14, 0.11)},
        "LwF": {"task": (99.60, 0.03), "domain": (71.02, 1.26), "class": (24.17, 0.51)},
        "offline": {"task": (99.64, 0.03), "class": (97.93, 0.04)},
        "iCaRL": {"class": (94.57, 0.11)},
    }
    return tuple(
        Published(
            arm=f"{kind}, {name}",
            metric=WITHIN if kind == "task" else JOINT,
            mean=mean / 100,
            std=error / 100 * RUNS**0.5,
            source=SECOND if name == "iCaRL" else FIRST,
        )
        for name, row in table.items()
        for kind, (mean, error) in row.items()
    )


def study() -> Study:
    return Study(
        name="split-mnist-scenarios",
        title="Split MNIST: a second published table, with distillation and iCaRL",
        question="Do LwF, iCaRL, EWC and SI come to what van de Ven and Tolias say of them?",
        base=RunConfig(
            task=ShuffledDigits(validation=1 / 120, classes={"digits": DIGITS}),
            model=MLP(inputs=784, widths=(400, 400)),
            training=TrainingConfig(
                batch_size=BATCH_SIZE,
                optimizer=AdamW(lr=1e-3, weight_decay=0.0),
                losses={"classes": JointCrossEntropy()},
                memory=RandomExamples(size=0),
                evaluate_every=2000,
            ),
            steps=EACH * len(PAIRS),
        ),
        space={"order": Int(field="task.order", low=0, high=9999)},
        arms=arms(),
        comparison=("class, iCaRL", "class, LwF"),
        metric=JOINT,
        published=published(),
        trials=5,
        seeds=1,
    )
