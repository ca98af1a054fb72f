"""Five tasks of two digits, one after the other: a published table, and two rows more at every boundary."""

from typing import Any

from harness.data import MNIST
from harness.growth import (
    AbstractOperation,
    AttachHead,
    GrowthRule,
    Nothing,
    OldParameters,
    Unchanged,
    WidenHead,
)
from harness.growth.freezing import AbstractFreezePolicy
from harness.growth.triggers import AtEpoch
from harness.initializers import TorchDefault
from harness.losses import JointCrossEntropy, SeparateCrossEntropy
from harness.models import MLP
from harness.search.published import Published
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig
from harness.training.optimizers import SGD, AdamW

PAIRS = ((0, 1), (2, 3), (4, 5), (6, 7), (8, 9))
DIGITS = tuple(range(10))
EPOCHS, BATCH_SIZE = 4, 128
SOURCE = "Hsu et al. (2018), arXiv 1810.12488, 10 runs"
WITHIN, JOINT = "accuracy_within/mean", "accuracy_by_arrival/mean"

ADAM: dict[str, Any] = {"training.optimizer": AdamW(lr=1e-3, weight_decay=0.0)}
SGD_ALONE: dict[str, Any] = {"training.optimizer": SGD(lr=0.01, momentum=0.0)}
HEADS = tuple(
    AttachHead(name=f"t{number}", outputs=2, tap="hidden.1", init=TorchDefault(), bias=TorchDefault())
    for number in range(1, 5)
)
ROWS = tuple(
    WidenHead(path="output", to=size, new_rows=TorchDefault(), new_bias=TorchDefault()) for size in (4, 6, 8, 10)
)


def mnist(classes: dict[str, Any], hidden: tuple[int, ...] = ()) -> MNIST:
    """Return the digits, padded and standardized as published; 500 training images validate."""
    return MNIST(padding=2, validation=1 / 120, classes=classes, hidden=hidden)


def at_boundaries(
    operations: tuple[AbstractOperation, ...], *, reveal: bool, freeze: AbstractFreezePolicy | None = None
) -> tuple[GrowthRule, ...]:
    """Return one growth after four passes over each task but the last."""
    return tuple(
        GrowthRule(
            trigger=AtEpoch(epoch=EPOCHS),
            operation=operation,
            freeze=freeze or Nothing(),
            reveals=pair if reveal else (),
        )
        for operation, pair in zip(operations, PAIRS[1:], strict=True)
    )


def arms() -> dict[str, dict[str, Any]]:
    """Return what a task boundary brings (a head, new meanings of a head, new classes of a head), by optimizer."""
    same = at_boundaries((Unchanged(),) * 4, reveal=True)
    heads, parity = {f"t{number}": pair for number, pair in enumerate(PAIRS)}, {"parity": (DIGITS[::2], DIGITS[1::2])}
    kinds: dict[str, dict[str, Any]] = {
        "task": {
            "task": mnist(heads),
            "growths": at_boundaries(HEADS, reveal=False),
            "training.losses": {"classes": SeparateCrossEntropy()},
        },
        "domain": {"task": mnist(parity, hidden=DIGITS[2:]), "growths": same},
        "class": {"task": mnist({"digits": DIGITS}, hidden=DIGITS[2:]), "growths": same},
    }
    at_once: dict[str, dict[str, Any]] = {
        "task": {"task": mnist(heads), "start": HEADS},
        "domain": {"task": mnist(parity)},
        "class": {"task": mnist({"digits": DIGITS})},
    }
    found = {}
    for kind, changes in kinds.items():
        found[f"{kind}, Adam"] = changes | ADAM
        found[f"{kind}, SGD"] = changes | SGD_ALONE
        found[f"{kind}, offline"] = changes | ADAM | at_once[kind] | {"growths": ()}
    rows = {"task": mnist({"digits": (0, 1)})} | ADAM
    found["two rows"] = rows | {"growths": at_boundaries(ROWS, reveal=True)}
    found["two rows, frozen"] = rows | {"growths": at_boundaries(ROWS, reveal=True, freeze=OldParameters())}
    return found


def published() -> tuple[Published, ...]:
    """Return the table, in fractions."""
    table = {
        "Adam": {"task": (93.46, 2.01), "domain": (55.16, 1.38), "class": (19.71, 0.08)},
        "SGD": {"task": (97.98, 0.09), "domain": (63.20, 0.35), "class": (19.46, 0.04)},
        "offline": {"task": (99.52, 0.16), "domain": (98.59, 0.15), "class": (97.53, 0.30)},
    }
    return tuple(
        Published(
            arm=f"{kind}, {method}",
            metric=metric_of(kind, method),
            mean=mean / 100,
            std=std / 100,
            source=SOURCE,
        )
        for method, row in table.items()
        for kind, (mean, std) in row.items()
    )


def metric_of(kind: str, method: str) -> str:
    """Return the mean over tasks: of the task's own head, or of all answers; offline, all tasks arrive together."""
    if kind == "task":
        return WITHIN
    return "accuracy/all" if method == "offline" else JOINT


def study() -> Study:
    return Study(
        name="split-mnist",
        title="Split MNIST: a head, new classes, or two rows more at every task boundary",
        question="When two digits arrive at a time and two rows are added for them, should everything else be frozen?",
        base=RunConfig(
            task=mnist({"digits": DIGITS}, hidden=DIGITS[2:]),
            model=MLP(inputs=1024, widths=(400, 400)),
            training=TrainingConfig(
                batch_size=BATCH_SIZE,
                losses={"classes": JointCrossEntropy()},
                replay=0.0,
                evaluate_every=100,
            ),
            steps=1852,  # four passes over each of the five tasks
        ),
        space={},
        arms=arms(),
        comparison=("two rows", "two rows, frozen"),
        metric=JOINT,
        published=published(),
        trials=1,
        seeds=3,
    )
