from dataclasses import replace
from pathlib import Path

import pytest

from harness.core.history import History
from harness.core.spec import with_changes
from harness.staging.reproduce import RecordedRun, first_difference, read_recorded, reproduce
from harness.staging.run import RunConfig
from harness.staging.runner import Runner


def history(**columns: list[float]) -> History:
    found = History()
    for name, values in columns.items():
        for step, value in enumerate(values, start=1):
            found.record(step, {name: value})
    return found


BASE = history(a=[1.0, 2.0, float("nan")], b=[0.0])


@pytest.mark.parametrize(
    ("again", "difference"),
    [
        (history(a=[1.0, 2.0, float("nan")], b=[0.0]), None),
        (history(a=[1.0, 2.0 + 2**-51, float("nan")], b=[0.0]), "step 2, a: recorded 2.0, found 2.0000000000000004"),
        (history(a=[1.0, 2.0, float("nan")], b=[-0.0]), "step 1, b: recorded 0.0, found -0.0"),
        (history(a=[1.0, 3.0, 4.0], b=[5.0]), "step 1, b: recorded 0.0, found 5.0"),
        (history(a=[1.0, 2.0], b=[0.0]), "step 3, a: recorded, not found"),
        (history(a=[1.0, 2.0, float("nan")], b=[0.0, 1.0]), "step 2, b: found, not recorded"),
        (history(a=[1.0, 2.0, float("nan")]), "step 1, b: recorded, not found"),
        (history(a=[1.0, 2.0, float("nan")], b=[0.0], c=[1.0]), "step 1, c: found, not recorded"),
    ],
)
def test_the_earliest_difference_is_named(again: History, difference: str | None) -> None:
    assert first_difference(BASE, again) == difference


def test_steps_may_differ_too() -> None:
    again = History()
    again.record(2, {"b": 0.0})

    assert first_difference(history(b=[0.0]), again) == "step 1, b: recorded for step 1, found for step 2"


@pytest.mark.parametrize("signal", [False, True])
def test_a_run_that_shared_its_trunk_is_reproduced_alone(
    runner: Runner, digits_run: RunConfig, tmp_path: Path, signal: bool
) -> None:
    trigger = {"kind": "signal", "name": "go"} if signal else {"kind": "at_step", "step": 20}
    run = with_changes(digits_run, {"growths.0.trigger": trigger})
    heard: list[int] = []
    runner.run(with_changes(run, {"growths.0.freeze": "old_parameters"}), signals=lambda: frozenset())

    def evaluated(step: int, metrics: object) -> None:  # noqa: ARG001
        heard.append(step)

    result = runner.run(with_changes(run, {"seed": 5}), evaluated, lambda: frozenset({"go"} if heard[-1] >= 20 else ()))
    recorded = read_recorded(tmp_path / "home" / "store", result.stages)

    assert [address.step for address in result.stages] == [20, 40]
    assert reproduce(with_changes(run, {"seed": 5}), recorded) is None


def test_another_run_is_told_apart_at_its_first_step(runner: Runner, digits_run: RunConfig, tmp_path: Path) -> None:
    recorded = read_recorded(tmp_path / "home" / "store", runner.run(digits_run).stages)

    difference = reproduce(with_changes(digits_run, {"seed": 1}), recorded)

    assert difference is not None
    assert difference.startswith("step 0, ")


def test_weights_are_compared_after_the_history(runner: Runner, digits_run: RunConfig, tmp_path: Path) -> None:
    recorded = read_recorded(tmp_path / "home" / "store", runner.run(digits_run).stages)
    assert recorded.snapshot is not None
    flipped = recorded.snapshot[:-1] + bytes([recorded.snapshot[-1] ^ 1])

    difference = reproduce(digits_run, replace(recorded, snapshot=flipped))

    assert difference is not None
    assert difference.startswith("step 40: ")
    assert difference.endswith(" differs")
    assert reproduce(digits_run, replace(recorded, snapshot=b"garbage")) is not None
    assert reproduce(digits_run, RecordedRun(recorded.history, None)) is None
