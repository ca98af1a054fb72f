from typing import Any

import pytest

from harness.core.errors import SpecError
from harness.growth import GrowthRule, NoFreezing
from harness.growth.operations import AttachHead
from harness.growth.rules import TriggerMonitor
from harness.growth.triggers import Progress, Schedule

WAY = [Progress(step, step, 0, {}, evaluated=False) for step in range(1, 10)]


def test_it_fires_at_each_step_of_the_list(firings: Any) -> None:
    assert firings(Schedule(steps=(2, 3, 7)), WAY) == [2, 3, 7]


@pytest.mark.parametrize("steps", [(3, 2), (2, 2), (), (0, 1)])
def test_steps_that_are_out_of_order_are_refused(steps: tuple[int, ...]) -> None:
    with pytest.raises(SpecError):
        Schedule(steps=steps)


def test_rules_that_share_a_schedule_act_one_at_each_step() -> None:
    schedule = Schedule(steps=(2, 5))
    rules = [
        GrowthRule(trigger=schedule, operation=AttachHead(name=name, outputs=1, tap="x"), freeze=NoFreezing())
        for name in ("first", "second")
    ]

    acted, monitor = [], TriggerMonitor(rules)
    for progress in WAY:
        if rule := monitor.observe(progress):
            acted.append((progress.step, rule))
            monitor = TriggerMonitor([other for other in monitor.rules if other is not rule])

    assert acted == [(2, rules[0]), (5, rules[1])]
