"""Every scheduler of torch goes on with a group that a growth adds, at the same factor through the whole schedule."""

import gc
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import (
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiplicativeLR,
    MultiStepLR,
    OneCycleLR,
    PolynomialLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)
from torch.optim.swa_utils import SWALR

from harness.core.errors import SurgeryError
from harness.growth import WidenHead, grow

RATE, FACTOR = 0.1, 0.25
Make = Callable[[Optimizer, list[float]], LRScheduler]  # of the factors of the groups


def scaled(value: float, factors: list[float]) -> list[float]:
    return [value * factor for factor in factors]


FOLLOW_ALONE: dict[str, Make] = {
    "ChainedScheduler": lambda o, _: ChainedScheduler([LinearLR(o, 0.5, total_iters=4), ExponentialLR(o, 0.9)], o),
    "ConstantLR": lambda o, _: ConstantLR(o, 0.5, total_iters=4),
    "ExponentialLR": lambda o, _: ExponentialLR(o, 0.9),
    "LinearLR": lambda o, _: LinearLR(o, 0.5, total_iters=6),
    "MultiStepLR": lambda o, _: MultiStepLR(o, [1, 4, 5], 0.5),
    "OneCycleLR": lambda o, f: OneCycleLR(o, scaled(1.0, f), total_steps=12, cycle_momentum=False),
    "OneCycleLR in three phases": lambda o, f: OneCycleLR(o, scaled(1.0, f), total_steps=12, three_phase=True),
    "PolynomialLR": lambda o, _: PolynomialLR(o, total_iters=9, power=2.0),
    "ReduceLROnPlateau": lambda o, _: ReduceLROnPlateau(o, factor=0.5, patience=0),
    "SWALR": lambda o, f: SWALR(o, scaled(0.01, f), anneal_epochs=6),  # type: ignore[arg-type]
    "StepLR": lambda o, _: StepLR(o, 2, 0.5),
}
MUST_BE_NAMED: dict[str, Make] = {
    "CosineAnnealingLR": lambda o, _: CosineAnnealingLR(o, 3),
    "CosineAnnealingWarmRestarts": lambda o, _: CosineAnnealingWarmRestarts(o, 2, 2),
    "CyclicLR": lambda o, f: CyclicLR(o, scaled(0.01, f), scaled(1.0, f), step_size_up=2, mode="triangular2"),
    "LambdaLR": lambda o, _: LambdaLR(o, lambda step: 1 / (1 + step)),
    "LambdaLR that warms up": lambda o, _: LambdaLR(o, lambda step: min(step / 5, 1.0)),
    "MultiplicativeLR": lambda o, _: MultiplicativeLR(o, lambda step: 0.9 if step > 2 else 0.8),
    "ReduceLROnPlateau of several": lambda o, f: ReduceLROnPlateau(o, factor=0.5, patience=0, min_lr=scaled(0.01, f)),
    "SequentialLR": lambda o, _: SequentialLR(o, [ConstantLR(o, 0.1), ExponentialLR(o, 0.9), StepLR(o, 2)], [4, 7]),
}
SCHEDULERS = FOLLOW_ALONE | MUST_BE_NAMED


def model() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 3))


def optimizer(network: nn.Module, factors: list[float]) -> Optimizer:
    own = [*network.parameters(), *(nn.Parameter(torch.zeros(1)) for _ in factors)]
    groups = [{"params": own[: 4 * (n == 0)] or [own[-1]], "lr": RATE * factor} for n, factor in enumerate(factors)]
    return SGD(groups, RATE, momentum=0.9)


def advance(scheduler: LRScheduler, steps: int) -> list[list[float]]:
    rates = []
    for _ in range(steps):
        scheduler.optimizer.step()
        arguments: list[Any] = [1.0] if isinstance(scheduler, ReduceLROnPlateau) else []
        scheduler.step(*arguments)
        rates.append([float(group["lr"]) for group in scheduler.optimizer.param_groups])
    return rates


@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_new_group_has_the_rates_that_it_would_have_had_from_the_start(name: str) -> None:
    network = model()
    grown = SCHEDULERS[name](optimizer(network, [1.0]), [1.0])
    twin = SCHEDULERS[name](optimizer(model(), [1.0, FACTOR]), [1.0, FACTOR])
    advance(grown, 3)
    advance(twin, 3)

    grow(network, grown.optimizer, WidenHead(path="1", to=5), lr_factor=FACTOR, scheduler=grown)

    torch.testing.assert_close(advance(grown, 8), advance(twin, 8))
    assert len(grown.get_last_lr()) == 2


@pytest.mark.parametrize("name", SCHEDULERS)
def test_one_that_is_not_named_follows_alone_or_is_refused_by_name(name: str) -> None:
    network = model()
    grown = SCHEDULERS[name](optimizer(network, [1.0]), [1.0])
    twin = SCHEDULERS[name](optimizer(model(), [1.0, FACTOR]), [1.0, FACTOR])
    advance(grown, 3)
    advance(twin, 3)

    if name in MUST_BE_NAMED:
        with pytest.raises(SurgeryError, match=f"found {type(grown).__name__}, which keeps .*scheduler=scheduler"):
            grow(network, grown.optimizer, WidenHead(path="1", to=5), lr_factor=FACTOR)
        assert len(grown.optimizer.param_groups) == 1
    else:
        grow(network, grown.optimizer, WidenHead(path="1", to=5), lr_factor=FACTOR)
        torch.testing.assert_close(advance(grown, 8), advance(twin, 8))


def test_two_growths_in_a_row_are_followed() -> None:
    network = model()
    schedule = LambdaLR(optimizer(network, [1.0]), lambda step: 0.5**step)

    for rows in (4, 5):
        advance(schedule, 1)
        grow(network, schedule.optimizer, WidenHead(path="1", to=rows), lr_factor=0.5, scheduler=[schedule])

    assert advance(schedule, 1) == [[RATE / 8, RATE / 16, RATE / 16]]


def test_schedules_of_two_optimizers_are_told_apart() -> None:
    network = model()
    body, head = SGD(network[0].parameters(), RATE), SGD(network[1].parameters(), RATE)
    slow, fast = LambdaLR(body, lambda step: 0.5**step), LambdaLR(head, lambda step: 0.1**step)

    grow(network, [body, head], WidenHead(path="1", to=4), scheduler=fast)  # the other one gets no group
    with pytest.raises(SurgeryError, match="LambdaLR"):
        grow(network, [body, head], WidenHead(path="1", to=5), scheduler=slow)

    torch.testing.assert_close(advance(slow, 1) + advance(fast, 1), [[RATE * 0.5], [RATE * 0.1, RATE * 0.1]])


def test_growths_that_add_no_group_need_no_schedule() -> None:
    network = model()
    schedule = LambdaLR(optimizer(network, [1.0]), lambda step: 0.5**step)

    grow(network, schedule.optimizer, WidenHead(path="1", to=5, rows="in_place"))

    assert advance(schedule, 1) == [[RATE / 2]]


def test_a_schedule_that_is_gone_is_not_in_the_way() -> None:
    network = model()
    held = optimizer(network, [1.0])
    LambdaLR(held, lambda step: 0.5**step)
    gc.collect()

    grow(network, held, WidenHead(path="1", to=5))

    assert len(held.param_groups) == 2


def test_a_schedule_whose_attributes_were_asked_for_is_found() -> None:
    network = model()
    schedule = LambdaLR(optimizer(network, [1.0]), lambda step: 0.5**step)
    schedule.state_dict()

    with pytest.raises(SurgeryError, match="LambdaLR"):
        grow(network, schedule.optimizer, WidenHead(path="1", to=5))


def test_a_rate_as_a_number_is_refused_under_a_schedule() -> None:
    network = model()
    schedule = StepLR(optimizer(network, [1.0]), 2)

    with pytest.raises(SurgeryError, match="found one beside StepLR; give lr_factor"):
        grow(network, schedule.optimizer, WidenHead(path="1", to=5), group={"lr": 0.3})


def test_the_schedule_of_another_optimizer_is_refused() -> None:
    network, other = model(), StepLR(SGD(model().parameters()), 2)

    with pytest.raises(SurgeryError, match="StepLR of another"):
        grow(network, SGD(network.parameters()), WidenHead(path="1", to=5), scheduler=other)


def test_a_schedule_that_missed_a_growth_is_refused_with_what_to_do() -> None:
    network = model()
    schedule = LambdaLR(optimizer(network, [1.0]), lambda step: 0.5**step)
    grow(network, schedule.optimizer, WidenHead(path="1", to=5), scheduler=())

    with pytest.raises(SurgeryError, match=r"to know 2 groups, found 1 in its lr_lambdas; give it at every growth"):
        grow(network, schedule.optimizer, WidenHead(path="1", to=6), scheduler=schedule)


class Own(LRScheduler):
    def __init__(self, optimizer: Optimizer) -> None:
        self.floors = [0.0 for _ in optimizer.param_groups]
        super().__init__(optimizer)

    def get_lr(self) -> list[float | torch.Tensor]:
        return [group["lr"] * 0.5 for group in self.optimizer.param_groups]


def test_one_of_ones_own_with_lists_that_nobody_knows_is_refused() -> None:
    network = model()
    schedule = Own(optimizer(network, [1.0]))

    with pytest.raises(SurgeryError, match="found Own with 'floors'"):
        grow(network, schedule.optimizer, WidenHead(path="1", to=5), scheduler=schedule)
