from typing import Any

import pytest

from harness.growth.triggers import AtEpoch, Progress


@pytest.mark.parametrize(("per_epoch", "epoch", "step"), [(1, 1, 1), (1, 3, 3), (4, 1, 4), (4, 2, 8)])
def test_it_fires_once_at_the_step_that_completes_the_pass(firings: Any, per_epoch: int, epoch: int, step: int) -> None:
    way = [Progress(age, age, age // per_epoch, {}, evaluated=False) for age in range(1, 20)]

    assert firings(AtEpoch(epoch=epoch), way) == [step]


@pytest.mark.parametrize("epoch", [1, 2])
@pytest.mark.parametrize("per_epoch", [1, 3])
def test_passes_are_counted_anew_after_a_growth(firings: Any, per_epoch: int, epoch: int) -> None:
    ages = [*range(1, 11), *range(1, 11)]
    way = [Progress(step, age, age // per_epoch, {}, evaluated=False) for step, age in enumerate(ages, start=1)]

    assert firings(AtEpoch(epoch=epoch), way) == [epoch * per_epoch, 10 + epoch * per_epoch]
