"""What every trigger promises."""

import json

import pytest

from harness.core.spec import LeafSpec
from harness.growth.triggers import AbstractTrigger, AtStep, Progress

TRIGGERS = [AtStep(step=1), AtStep(step=7), AtStep(step=20)]
WAY = [Progress(step, step, step // 4, {"val/loss/total": 1 / step}, step % 5 == 0) for step in range(1, 21)]


def own_leaves(family: type[LeafSpec]) -> set[type[LeafSpec]]:
    return {leaf for leaf in family.__subclasses__() if leaf.__module__.startswith("harness.")}


@pytest.fixture(params=TRIGGERS, ids=repr)
def trigger(request: pytest.FixtureRequest) -> AbstractTrigger:
    found: AbstractTrigger = request.param
    return found


def firings(trigger: AbstractTrigger, *, save_at: int | None = None) -> list[int]:
    memory, fired = trigger.begin(), []
    for progress in WAY:
        if progress.step == save_at:
            memory = json.loads(json.dumps(memory))
            trigger = AbstractTrigger.model_validate(trigger.to_json())
        memory, fires = trigger.observe(memory, progress)
        fired += [progress.step] * fires
    return fired


def test_every_trigger_is_tested_here() -> None:
    assert {type(trigger) for trigger in TRIGGERS} == own_leaves(AbstractTrigger)


def test_it_fires_on_this_way(trigger: AbstractTrigger) -> None:
    assert firings(trigger)


@pytest.mark.parametrize("step", range(1, 21))
def test_a_fork_fires_at_the_same_steps(trigger: AbstractTrigger, step: int) -> None:
    assert firings(trigger, save_at=step) == firings(trigger)
