from dataclasses import replace
from typing import Any, Literal

import pytest
from torch import Tensor
from torch.nn import functional

from harness.growth import AttachHead, NoFreezing
from harness.growth.lineage import Change
from harness.losses import AbstractOutputLoss, Batch, JointCrossEntropy
from harness.models import MLP
from harness.training.optimizers import SGD
from harness.training.packing.signature import losses_agree
from tests.training.packing.runs import DATA, Run


class OwnLoss(AbstractOutputLoss):
    kind: Literal["test_packing_own_loss"] = "test_packing_own_loss"

    def value(self, batch: Batch, output: str) -> Tensor:
        return functional.softplus(batch.outputs[output]).mean()


def trained(**changes: Any) -> dict[str, Any]:
    return {"training": Run().training.model_copy(update=changes)}


def with_head(**settings: Any) -> dict[str, Any]:
    head = AttachHead(name="late", outputs=2, tap="hidden.0", **settings)
    return {"grown": (Change(operation=head, freeze=NoFreezing()),)}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"seed": 3}),
        ({}, trained(optimizer=SGD(lr=0.5))),
        ({}, trained(losses={"classes": JointCrossEntropy(weight=0.5)})),
        (with_head(width=3), with_head(width=5)),
    ],
)
def test_runs_that_differ_so_are_packed(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert Run(**one).loop().signature == Run(**other).loop().signature is not None


@pytest.mark.parametrize(
    "other",
    [
        {"model": MLP(inputs=64, widths=(10, 8))},
        {"model": MLP(inputs=64, widths=(10, 7), dropout=0.1)},
        {"model": MLP(inputs=64, widths=(10, 7), activation="tanh")},
        {"data": replace(DATA)},
        trained(batch_size=8),
        trained(clip_norm=1.0),
        trained(on_divergence="skip"),
        with_head(),
        {"settings": {"alone": True}},
    ],
)
def test_runs_that_differ_so_are_not_packed(other: dict[str, Any]) -> None:
    assert Run().loop().signature != Run(**other).loop().signature


def test_losses_agree_in_all_but_weights() -> None:
    losses = [JointCrossEntropy(), JointCrossEntropy(weight=0.5), JointCrossEntropy(label_smoothing=0.1)]
    loops = [Run(**trained(losses={"classes": loss})).loop() for loss in losses]

    assert losses_agree(loops[:2])
    assert not losses_agree(loops)


def test_losses_of_ones_own_are_computed_run_by_run() -> None:
    loop = Run(**trained(losses={"known": OwnLoss()})).loop()

    assert not losses_agree([loop, loop])
