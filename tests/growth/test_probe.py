from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.core.errors import SpecError
from harness.growth import Probe, WidenLayer, grow
from harness.growth.probe import stand_in_loss
from harness.growth.units import GradMaxUnits

LOGITS = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
CLASSES, VALUES = torch.tensor([0, 2, -1, 1]), torch.zeros(4, 3)
INPUTS = torch.zeros(4, 2)


@pytest.mark.parametrize(
    ("probe", "outputs", "name", "expected"),
    [
        (Probe(INPUTS, CLASSES), LOGITS, None, functional.cross_entropy(LOGITS[[0, 1, 3]], CLASSES[[0, 1, 3]])),
        (Probe(INPUTS, VALUES, loss=nn.MSELoss()), LOGITS, None, LOGITS.square().mean()),
        (Probe(INPUTS, VALUES, loss=nn.MSELoss()), {"a": LOGITS, "b": None}, None, LOGITS.square().mean()),
        (Probe(INPUTS, VALUES, loss=nn.MSELoss()), {"b": None, "a": LOGITS}, "a", LOGITS.square().mean()),
        (Probe(INPUTS, loss=lambda outputs: outputs["a"].sum()), {"b": None, "a": LOGITS}, None, LOGITS.sum()),
        (Probe(INPUTS), {"logits": LOGITS, "loss": LOGITS.mean()}, None, LOGITS.mean()),
    ],
    ids=["classes", "values", "the first output", "a named output", "all outputs", "the network's own"],
)
def test_the_loss_is_the_one_that_was_given(probe: Probe, outputs: Any, name: str | None, expected: Tensor) -> None:
    torch.testing.assert_close(probe.loss_of(outputs, name), expected)


@pytest.mark.parametrize(
    ("probe", "outputs", "name", "message"),
    [
        (Probe(INPUTS), LOGITS, None, "expected targets to find directions of steepest descent, found none"),
        (Probe(INPUTS, VALUES), LOGITS, None, r"int64 targets \[B\] .*, found float32 \[4, 3\]; .* loss=nn.MSELoss"),
        (Probe(INPUTS, VALUES[:, 0]), LOGITS, None, r"found float32 \[4\]"),
        (Probe(INPUTS, [0, 1]), LOGITS, None, "found list"),
        (Probe(INPUTS, CLASSES + 1), LOGITS, None, "expected targets below 3"),
        (Probe(INPUTS, CLASSES), LOGITS[:, 0], None, r"expected logits \[B, C\]"),
        (Probe(INPUTS, CLASSES), {"a": LOGITS}, "b", "no output 'b'"),
        (
            Probe(INPUTS, VALUES, loss=nn.MSELoss(reduction="none")),
            LOGITS,
            None,
            r"one number .* found a tensor \[4, 3\]",
        ),
        (Probe(INPUTS, loss=nn.Flatten(start_dim=0)), LOGITS, None, r"found a tensor \[12\]"),
    ],
    ids=["none", "values", "numbers", "a list", "too large", "no logits", "no output", "no number", "numbers still"],
)
def test_targets_that_do_not_fit_are_refused(probe: Probe, outputs: Any, name: str | None, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        probe.loss_of(outputs, name)


@pytest.mark.parametrize("loss", [nn.MSELoss(), nn.L1Loss(), nn.CrossEntropyLoss()], ids=repr)
def test_a_new_unit_points_where_the_loss_falls_fastest(loss: nn.Module) -> None:
    torch.manual_seed(0)
    inputs, targets = torch.randn(50, 20), torch.randn(50, 10).softmax(1)
    model = nn.Sequential(nn.Linear(20, 5), nn.ReLU(), nn.Linear(5, 10))
    outputs = model(inputs).detach().requires_grad_()
    slope = torch.autograd.grad(loss(outputs, targets), outputs)[0]
    steepest = torch.linalg.svd(slope.T @ inputs).U[:, 0]

    grow(
        model,
        torch.optim.SGD(model.parameters(), lr=0.1),
        WidenLayer(path="0", by=1, method=GradMaxUnits()),
        probe=Probe(inputs, targets, loss=loss),
    )

    new = model.get_parameter("2.weight")[:, -1]
    assert torch.cosine_similarity(new, steepest, dim=0).abs() > 0.9999


def test_targets_of_any_kind_are_rows_only_if_they_are_tensors() -> None:
    assert Probe(INPUTS, [1]).rows is Probe(INPUTS).rows is None
    assert torch.equal(Probe(INPUTS, CLASSES).rows, CLASSES)  # type: ignore[arg-type]


def test_a_stand_in_is_a_loss_of_any_outputs() -> None:
    for targets in (None, CLASSES):
        assert Probe(INPUTS, targets, stand_in_loss).loss_of({"a": LOGITS, "b": None}).requires_grad
