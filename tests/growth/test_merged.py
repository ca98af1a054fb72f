from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import Optimizer

from harness.core.errors import SurgeryError
from harness.growth.merged import merge

MAKERS: dict[str, Callable[[Any], Optimizer]] = {
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.1),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.1, momentum=0.9),
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "sgd momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
}
CORRECTING: dict[str, Callable[[Any], Optimizer]] = {
    "adam amsgrad": lambda p: torch.optim.Adam(p, lr=0.1, amsgrad=True),
    "adamax": lambda p: torch.optim.Adamax(p, lr=0.1),
    "nadam": lambda p: torch.optim.NAdam(p, lr=0.1),
}
AS_OLD = [(make, (5, 5)) for make in (MAKERS | CORRECTING).values()]


def parts_in(make: Callable[[Any], Optimizer], steps: tuple[int, int]) -> tuple[Optimizer, list[nn.Parameter]]:
    """Return an optimizer with two parameters, the second of which took only the last steps."""
    parts = [nn.Parameter(torch.ones(rows, 2)) for rows in (2, 3)]
    optimizer = make([parts[0]])
    optimizer.add_param_group({"params": [parts[1]]})
    for number in range(steps[0]):
        moved = parts if number >= steps[0] - steps[1] else parts[:1]
        for part in moved:
            part.grad = torch.full_like(part, number + 1.0)
        optimizer.step()
        optimizer.zero_grad()
    return optimizer, parts


@pytest.mark.parametrize(("make", "steps"), [*AS_OLD, *[(make, (5, 2)) for make in MAKERS.values()]])
def test_a_merged_parameter_moves_as_its_parts_would(make: Callable[[Any], Optimizer], steps: tuple[int, int]) -> None:
    optimizer, parts = parts_in(make, steps)
    twin, others = parts_in(make, steps)
    new = nn.Parameter(torch.cat([part.detach() for part in parts]))

    merge(optimizer, parts, new, "fc.weight")
    for parameter in (new, *others):
        parameter.grad = torch.full_like(parameter, 0.5)
    optimizer.step()
    twin.step()

    assert [len(group["params"]) for group in optimizer.param_groups] == [1, 0]
    torch.testing.assert_close(new, torch.cat([part.detach() for part in others]))


def test_what_no_optimizer_holds_is_left_alone() -> None:
    optimizer, _ = parts_in(MAKERS["sgd"], (1, 1))
    strangers = [nn.Parameter(torch.ones(1, 2)) for _ in range(2)]

    merge(optimizer, strangers, nn.Parameter(torch.ones(2, 2)), "fc.weight")

    assert [len(group["params"]) for group in optimizer.param_groups] == [1, 1]


def test_parts_in_two_optimizers_are_refused() -> None:
    optimizer, parts = parts_in(MAKERS["sgd"], (1, 1))

    with pytest.raises(SurgeryError, match="in one optimizer"):
        merge(optimizer, [parts[0], nn.Parameter(torch.ones(1, 2))], nn.Parameter(torch.ones(3, 2)), "fc.weight")


def test_moments_whose_meaning_depends_on_the_step_are_refused() -> None:
    optimizer, parts = parts_in(lambda p: torch.optim.NAdam(p), (3, 1))

    with pytest.raises(SurgeryError, match="mu_product"):
        merge(optimizer, parts, nn.Parameter(torch.ones(5, 2)), "fc.weight")


def test_moments_that_adam_corrects_are_as_large_as_before_once_corrected() -> None:
    optimizer, parts = parts_in(lambda p: torch.optim.AdamW(p, lr=0.1), (6, 2))
    before = [
        optimizer.state[part]["exp_avg_sq"] / (1 - 0.999 ** (6 if index == 0 else 2))
        for index, part in enumerate(parts)
    ]
    new = nn.Parameter(torch.ones(5, 2))

    merge(optimizer, parts, new, "fc.weight")

    torch.testing.assert_close(optimizer.state[new]["exp_avg_sq"] / (1 - 0.999**6), torch.cat(before))


def test_moments_of_the_same_age_are_merged_whatever_they_mean() -> None:
    optimizer, parts = parts_in(lambda p: torch.optim.NAdam(p), (3, 3))
    new = nn.Parameter(torch.ones(5, 2))

    merge(optimizer, parts, new, "fc.weight")

    assert optimizer.state[new]["exp_avg"].shape == (5, 2)
    assert list(optimizer.state) == [new]
