from typing import Any

import pytest

from harness.growth.triggers import (
    AbstractTrigger,
    AllOf,
    AnyOf,
    AtMost,
    AtStep,
    NotBefore,
    Plateau,
    Progress,
    Schedule,
)

WAY = [Progress(step, step, 0, {}, evaluated=False) for step in range(1, 10)]
EARLY, LATE = Schedule(steps=(2, 4)), Schedule(steps=(3, 4, 6))


@pytest.mark.parametrize(
    ("trigger", "fired"),
    [
        (AnyOf(triggers=(EARLY, LATE)), [2, 3, 4, 6]),
        (AllOf(triggers=(EARLY, LATE)), [3, 4, 5, 6, 7, 8, 9]),
        (AllOf(triggers=(AtStep(step=8), EARLY, LATE)), [8, 9]),
        (AllOf(triggers=(EARLY, AtStep(step=99))), []),
        (NotBefore(step=4, trigger=LATE), [4, 6]),
        (NotBefore(step=5, trigger=EARLY), []),
        (AtMost(times=2, trigger=LATE), [3, 4]),
        (AtMost(times=1, trigger=NotBefore(step=4, trigger=AnyOf(triggers=(EARLY, LATE)))), [4]),
        (NotBefore(step=4, trigger=AtMost(times=1, trigger=EARLY)), []),
        (
            AllOf(triggers=(AtMost(times=1, trigger=AnyOf(triggers=(EARLY,))), AllOf(triggers=(LATE,)))),
            [3, 4, 5, 6, 7, 8, 9],
        ),
    ],
    ids=repr,
)
def test_combinations_fire_where_their_words_say(firings: Any, trigger: AbstractTrigger, fired: list[int]) -> None:
    assert firings(trigger, WAY) == fired


@pytest.mark.parametrize("family", [AnyOf, AllOf])
def test_every_part_sees_every_step_also_after_another_fired(
    firings: Any, evaluations: Any, family: type[AnyOf | AllOf]
) -> None:
    plateau = Plateau(metric="loss", patience=3)
    way = evaluations([1, 1, 1, 1, 0])

    together = family(triggers=(Schedule(steps=(1, 2, 3)), plateau))

    assert firings(plateau, way) == [4]
    assert 4 in firings(together, way)


def test_what_fired_before_a_growth_must_fire_again_after_it(firings: Any) -> None:
    way = [Progress(step, step if step <= 3 else step - 3, 0, {}, evaluated=False) for step in range(1, 10)]

    assert firings(AllOf(triggers=(EARLY, Schedule(steps=(6,)))), way) == [6, 7, 8, 9]
    assert firings(AllOf(triggers=(AtStep(step=2), Schedule(steps=(6,)))), way) == []


def test_what_is_nested_reads_from_json_by_its_kinds() -> None:
    trigger = AbstractTrigger.model_validate(
        {"kind": "at_most", "times": 2, "trigger": {"kind": "any_of", "triggers": [{"kind": "at_step", "step": 5}]}}
    )

    assert trigger == AtMost(times=2, trigger=AnyOf(triggers=(AtStep(step=5),)))
