"""Which group's settings new parameters take, and which of several optimizers they go to."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import SGD, AdamW, Muon, Optimizer

from harness.core.errors import SurgeryError
from harness.growth import (
    AbstractOperation,
    AttachHead,
    Probe,
    ReplaceHead,
    SplitClass,
    WidenHead,
    WidenLayer,
    grow,
)
from harness.growth.surgery import check_coverage
from harness.models import GrowableModel

PROBE = Probe(torch.ones(3, 6))
HEAD = AttachHead(name="late", outputs=2, tap="1")


def label(operation: AbstractOperation) -> str:
    return f"{operation.kind} {getattr(operation, 'rows', '')}".strip()


def network(*, bias: bool = True) -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 8, bias=bias), nn.ReLU(), nn.Linear(8, 3, bias=bias))


def body_and_head(model: nn.Sequential) -> AdamW:
    return AdamW(
        [
            {"params": model[0].parameters(), "lr": 1e-4, "weight_decay": 0.1},
            {"params": model[2].parameters(), "lr": 1e-2, "weight_decay": 0.0, "betas": (0.5, 0.9)},
        ]
    )


def settings(optimizer: Optimizer, parameter: nn.Parameter) -> dict[str, Any]:
    (group,) = [group for group in optimizer.param_groups if any(held is parameter for held in group["params"])]
    return {key: group[key] for key in ("lr", "weight_decay", "betas") if key in group}


@pytest.mark.parametrize(
    "operation",
    [
        WidenHead(path="2", to=5),
        WidenHead(path="2", to=5, rows="in_place"),
        SplitClass(path="2", parent=1, children=2),
        ReplaceHead(path="2", to=2),
    ],
    ids=label,
)
def test_new_rows_take_all_settings_of_the_layer_that_they_extend(operation: AbstractOperation) -> None:
    model = network()
    optimizer = body_and_head(model)

    grow(model, optimizer, operation)

    for parameter in model[2].parameters():
        assert settings(optimizer, parameter) == {"lr": 1e-2, "weight_decay": 0.0, "betas": (0.5, 0.9)}


def test_a_factor_is_in_units_of_the_rate_of_the_layer() -> None:
    model = network()
    optimizer = body_and_head(model)

    grow(model, optimizer, WidenHead(path="2", to=5), lr_factor=0.5)
    grow(model, optimizer, WidenHead(path="2", to=6), lr_factor=0.5)

    assert [group["lr"] for group in optimizer.param_groups] == [1e-4, 1e-2, 5e-3, 5e-3]


def test_a_new_head_takes_the_settings_of_the_largest_group() -> None:
    inner = network()
    model = GrowableModel(inner, "known")
    head: dict[str, Any] = {"params": inner[2].parameters(), "lr": 1e-2}
    optimizer = AdamW([head, {"params": inner[0].parameters()}])

    grow(model, optimizer, HEAD, probe=PROBE)

    assert settings(optimizer, model.get_parameter("heads.late.output.weight"))["lr"] == 1e-3


@pytest.mark.parametrize("like", [1, "2", "2.bias"])
def test_or_those_of_the_group_that_is_named(like: int | str) -> None:
    inner = network()
    optimizer, model = body_and_head(inner), GrowableModel(inner, "known")

    grow(model, optimizer, HEAD, probe=PROBE, like=like)

    assert len(optimizer.param_groups) == 3
    assert settings(optimizer, model.get_parameter("heads.late.output.weight"))["betas"] == (0.5, 0.9)


@pytest.mark.parametrize("like", [2, -1, "3", "2.wei"])
def test_a_group_that_does_not_exist_is_refused(like: int | str) -> None:
    model = network()

    with pytest.raises(SurgeryError, match="like"):
        grow(model, body_and_head(model), WidenHead(path="2", to=5), like=like)


def test_biases_go_without_weight_decay_where_others_do() -> None:
    model = GrowableModel(network(), "known")
    matrices, biases = ([p for p in model.parameters() if p.dim() == dims] for dims in (2, 1))
    optimizer = AdamW([{"params": matrices, "weight_decay": 0.1}, {"params": biases, "weight_decay": 0.0}])

    grow(model, optimizer, HEAD, probe=PROBE)

    head = model.heads["late"]
    assert [settings(optimizer, p)["weight_decay"] for p in head.parameters()] == [0.1, 0.0]


def test_settings_are_no_longer_shared_with_the_group_that_they_come_from() -> None:
    model = network()
    optimizer = AdamW(model.parameters(), lr=torch.tensor(0.1))

    grow(model, optimizer, WidenHead(path="2", to=5))
    optimizer.param_groups[0]["lr"].fill_(7.0)

    assert float(optimizer.param_groups[1]["lr"]) == pytest.approx(0.1)


def trained(model: nn.Module, *optimizers: Optimizer) -> nn.Module:
    outputs = model(torch.ones(3, 6))
    sum(out.square().sum() for out in (outputs.values() if isinstance(outputs, dict) else [outputs])).backward()
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad()
    return model


def test_each_parameter_of_a_head_goes_where_it_can_live() -> None:
    model = GrowableModel(network(bias=False), "known")
    muon, other = Muon(model.parameters(), lr=0.01), AdamW([nn.Parameter(torch.zeros(1))])
    other.param_groups[0]["params"] = []

    grow(model, [muon, other], HEAD, probe=PROBE)
    trained(model, muon, other)

    check_coverage(model, [muon, other])
    assert [p.dim() for p in muon.param_groups[1]["params"]] == [2]
    assert [p.dim() for p in other.param_groups[1]["params"]] == [1]


def test_a_bias_that_no_optimizer_can_hold_is_refused_before_anything_changed() -> None:
    model = GrowableModel(network(bias=False), "known")
    muon = Muon(model.parameters(), lr=0.01)

    with pytest.raises(SurgeryError, match=r"shape \[2\], found none \(Muon: .*2D.*give a second one"):
        grow(model, muon, HEAD, probe=PROBE)

    assert not model.heads
    assert len(muon.param_groups) == 1


def two_optimizers() -> tuple[nn.Sequential, Muon, AdamW]:
    model = network()
    matrix, *others = model.parameters()
    return model, Muon([matrix], lr=0.02), AdamW(others, lr=1e-3)


def test_new_rows_go_to_the_optimizer_of_their_layer_and_wider_tensors_stay_in_theirs() -> None:
    model, muon, adam = two_optimizers()
    trained(model, muon, adam)

    grow(model, [muon, adam], WidenHead(path="2", to=5))
    grow(model, [muon, adam], WidenLayer(path="0", by=2), probe=PROBE)
    trained(model, muon, adam)

    check_coverage(model, [muon, adam])
    assert [len(group["params"]) for group in muon.param_groups] == [1]
    assert [len(group["params"]) for group in adam.param_groups] == [3, 2]
    assert muon.state[model.get_parameter("0.weight")]["momentum_buffer"].shape == (10, 6)


def test_a_refusal_leaves_both_as_they_were() -> None:
    model, muon, adam = two_optimizers()
    before = [(group, list(group["params"])) for each in (muon, adam) for group in each.param_groups]

    with pytest.raises(SurgeryError, match="one optimizer group, found it in 0"):
        grow(model.append(nn.Linear(3, 3)), [muon, adam], WidenHead(path="2", to=5))

    after = [(group, list(group["params"])) for each in (muon, adam) for group in each.param_groups]
    assert all(a is b for (a, _), (b, _) in zip(after, before, strict=True))
    assert all(p is q for (_, own), (_, old) in zip(after, before, strict=True) for p, q in zip(own, old, strict=True))


def test_flags_of_kernels_stay() -> None:
    model = network()
    optimizer = AdamW(model.parameters(), fused=True)
    trained(model, optimizer)

    grow(model, optimizer, WidenHead(path="2", to=5))
    trained(model, optimizer)

    assert [group["fused"] for group in optimizer.param_groups] == [True, True]


def test_a_new_group_has_its_settings_in_the_order_of_the_old_one() -> None:  # snapshots hold them, and have digests
    model = GrowableModel(network(), "known")
    optimizer = AdamW(model.parameters(), lr=0.01)
    optimizer.param_groups[0]["base_lr"] = 0.01

    grow(model, optimizer, HEAD, probe=PROBE)

    old, new = (list(group) for group in optimizer.param_groups)
    assert [key for key in new if key in old and key != "params"] == [key for key in old if key != "params"]


class Choosy(SGD):
    def add_param_group(self, param_group: dict[str, Any]) -> None:
        if self.param_groups:
            raise ValueError("one group is enough")
        super().add_param_group(param_group)


def test_an_optimizer_that_takes_no_second_group_is_refused_in_its_own_words() -> None:
    model = network()

    with pytest.raises(SurgeryError, match="Choosy: one group is enough"):
        grow(model, Choosy(model.parameters(), 0.1), WidenHead(path="2", to=5))
