import pytest
import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LRScheduler

from harness.core.errors import SurgeryError
from harness.growth import WidenHead, grow
from harness.growth.freezing import DiscriminativeRates
from harness.growth.surgery import follow_factors

RATES = DiscriminativeRates(layers=("0", "1"), decay=0.5, top=0.8)


@pytest.fixture
def model() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 2))


def rates(model: nn.Module, optimizer: Optimizer) -> dict[str, float]:
    by_parameter = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    return {name: round(by_parameter[id(p)], 9) for name, p in model.named_parameters() if name.endswith("weight")}


def test_layers_learn_at_rates_of_their_own_until_the_next_growth(model: nn.Sequential) -> None:
    optimizer = SGD(model.parameters(), lr=0.1)

    grow(model, optimizer, WidenHead(path="2", to=3), freeze_policy=RATES)
    scaled = rates(model, optimizer)
    grow(model, optimizer, WidenHead(path="2", to=4), lr_factor=2)

    old = {"0.weight": 0.02, "1.weight": 0.04, "2.parts.0.weight": 0.08}
    assert scaled == {**old, "2.parts.1.weight": 0.1}
    assert rates(model, optimizer) == {**dict.fromkeys(scaled, 0.1), "2.parts.2.weight": 0.2}


def test_groups_are_used_again(model: nn.Sequential) -> None:
    optimizer = SGD(model.parameters(), lr=0.1)
    first, second, third = (model.get_parameter(f"{layer}.weight") for layer in range(3))

    added = [follow_factors([optimizer], {first: factor, second: 0.5}) for factor in (0.5, 0.25, 1.0, 0.25)]

    assert [len(groups) for groups in added] == [1, 1, 0, 0]
    assert [[p.shape for p in group["params"]] for group in optimizer.param_groups][1:] == [[(4, 4)], [(4, 3)]]
    assert third in set(optimizer.param_groups[0]["params"])


def test_moments_and_names_move_along(model: nn.Sequential) -> None:
    optimizer = AdamW(model.named_parameters(), lr=0.1)
    model(torch.ones(2, 3)).sum().backward()
    optimizer.step()
    weight = model.get_parameter("0.weight")
    moments = optimizer.state[weight]["exp_avg"]

    follow_factors([optimizer], {weight: 0.5})

    assert optimizer.param_groups[1]["param_names"] == ["0.weight"]
    assert "0.weight" not in optimizer.param_groups[0]["param_names"]
    assert optimizer.state[weight]["exp_avg"] is moments


def test_schedules_keep_the_factor(model: nn.Sequential) -> None:
    optimizer = SGD(model.parameters(), lr=0.1)
    schedules: list[LRScheduler] = [LambdaLR(optimizer, lambda step: 1 / (1 + step))]
    twin = SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    expected = LambdaLR(twin, lambda step: 1 / (1 + step))

    grow(model, optimizer, WidenHead(path="2", to=3), freeze_policy=RATES, scheduler=schedules)
    for _ in range(3):
        optimizer.step()
        schedules[0].step()
        twin.step()
        expected.step()

    assert rates(model, optimizer)["0.weight"] == pytest.approx(0.2 * twin.param_groups[0]["lr"])


def test_a_schedule_that_nobody_named_is_refused(model: nn.Sequential) -> None:
    optimizer = SGD(model.parameters(), lr=0.1)
    schedule = CosineAnnealingLR(optimizer, T_max=10)
    before = [[*group["params"]] for group in optimizer.param_groups]

    with pytest.raises(SurgeryError, match=r"found CosineAnnealingLR.*; name it"):
        grow(model, optimizer, WidenHead(path="2", to=3), freeze_policy=RATES)

    assert len(schedule.base_lrs) == 1
    assert [[id(p) for p in group["params"]] for group in optimizer.param_groups] == [[id(p) for p in before[0]]]
