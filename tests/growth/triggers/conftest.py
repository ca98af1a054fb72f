"""What tests of triggers share."""

from collections.abc import Callable, Iterable

import pytest

from harness.growth.triggers import AbstractTrigger, Progress

Firings = Callable[[AbstractTrigger, Iterable[Progress]], list[int]]


@pytest.fixture
def firings() -> Firings:
    """Show progress to a trigger, and return the steps at which it fires."""

    def show(trigger: AbstractTrigger, way: Iterable[Progress]) -> list[int]:
        memory, fired = trigger.begin(), []
        for progress in way:
            memory, fires = trigger.observe(memory, progress)
            fired += [progress.step] * fires
        return fired

    return show


@pytest.fixture
def evaluations() -> Callable[..., list[Progress]]:
    """Make one evaluated step of each value of a metric; a growth may lie right after step `grown_at`."""

    def make(values: Iterable[float], *, grown_at: int = 0) -> list[Progress]:
        steps = enumerate(values, start=1)
        return [
            Progress(step, step - grown_at if step > grown_at else step, 0, {"loss": value}, evaluated=True)
            for step, value in steps
        ]

    return make
