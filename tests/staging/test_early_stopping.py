import functools
import itertools
from collections.abc import Callable
from typing import Any

import pytest

from harness.core.errors import InterruptedRunError
from harness.core.spec import with_changes
from harness.growth.triggers import AtStep
from harness.staging.plan import make_plan
from harness.staging.results import RunResult
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.stage_key import first_key
from harness.training.schedules import Cosine

STOPPED = 50  # the growth is at 20, and the first of two evaluations without improvement at 40
PATIENT = {"kind": "plateau", "patience": 2, "min_delta": 100.0}

RunnerIn = Callable[[str], Runner]


@pytest.fixture
def stopping(digits_run: RunConfig) -> RunConfig:
    """A run of 90 steps, as its schedule has it, that is evaluated every 10 and stops after 50."""
    return with_changes(digits_run, {"steps": 90, "early_stopping": PATIENT, "training.schedule": {"kind": "cosine"}})


def numbers(result: RunResult) -> Any:
    """Return the results of a run, without the time it took."""
    metrics = {name: value for name, value in result.metrics.items() if name != "cost/seconds"}
    return metrics, result.history, [address.step for address in result.stages]


def test_it_ends_as_a_run_of_so_many_steps(runner_in: RunnerIn, stopping: RunConfig) -> None:
    result = runner_in("home").run(stopping)

    shorter = with_changes(stopping.up_to(STOPPED), {"early_stopping": None})
    assert numbers(result) == numbers(runner_in("other").run(shorter))
    assert result.metrics["cost/steps"] == result.stages[-1].step == STOPPED
    assert result.history["test/loss/total"].steps[-1] == STOPPED
    assert result.history["train/lr/group_0"].values[-1] == 5e-3 * Cosine(steps=90).factor(STOPPED - 1, age=STOPPED - 1)


@pytest.mark.parametrize("stopping_first", [True, False])
def test_another_run_through_the_same_stage_notices_nothing(
    runner_in: RunnerIn, stopping: RunConfig, stopping_first: bool
) -> None:
    whole = with_changes(stopping, {"early_stopping": None})
    configs = [stopping, whole] if stopping_first else [whole, stopping]
    shared, found = runner_in("shared"), {}
    plan = make_plan(configs, shared.store)

    for config in configs:
        found[config is whole] = numbers(shared.run(config, forks=plan.forks))

    assert first_key(stopping) == first_key(whole)
    assert found[True] == numbers(runner_in("whole").run(whole))
    assert found[False] == numbers(runner_in("stopping").run(stopping))
    assert shared.steps_trained == 90 + (0 if stopping_first else 30)  # it goes on from the fork at 20


def test_it_waits_for_the_growths_that_are_still_to_come(runner_in: RunnerIn, stopping: RunConfig) -> None:
    eager = with_changes(stopping, {"growths.0.trigger.step": 60, "early_stopping.patience": 1})

    result = runner_in("home").run(eager, test=False)

    assert [address.step for address in result.stages] == [60, 80]


def test_it_is_stopped_at_the_same_step_however_often_it_was_interrupted(
    runner_in: RunnerIn, stopping: RunConfig
) -> None:
    runner = runner_in("home")
    for pause in (33, 12):
        runner.stop = functools.partial(lambda asked, pause: next(asked) >= pause, itertools.count(), pause)
        with pytest.raises(InterruptedRunError):
            runner.run(stopping)
    runner.stop = lambda: False

    result = runner.run(stopping)

    assert numbers(result) == numbers(runner_in("other").run(stopping))
    assert numbers(runner.run(stopping)) == numbers(result)  # from the store alone


def test_the_plan_learns_where_it_ends(runner_in: RunnerIn, stopping: RunConfig) -> None:
    runner = runner_in("home")
    before = make_plan([stopping], runner.store)
    runner.run(stopping)

    after = make_plan([stopping], runner.store)

    assert [(stage.ends, stage.open) for stage in before.stages.values()] == [({20: 1}, False), ({90: 1}, True)]
    assert [(stage.ends, stage.open) for stage in after.stages.values()] == [({20: 1}, False), ({STOPPED: 1}, False)]
    assert after.stored_steps == after.distinct_steps == STOPPED


def test_where_it_ends_at_a_known_step_others_go_on_from_there(stopping: RunConfig) -> None:
    known = with_changes(stopping, {"early_stopping": AtStep(step=35)})
    late = with_changes(stopping, {"early_stopping": AtStep(step=1000)})

    plan = make_plan([known, late, stopping])

    assert plan.forks == {key: frozenset(stage.ends) for key, stage in plan.stages.items()}
    assert [set(stage.ends) for stage in plan.stages.values()] == [{20}, {35, 90}]


def test_a_run_up_to_a_rung_stops_where_the_whole_run_does(runner_in: RunnerIn, stopping: RunConfig) -> None:
    runner = runner_in("home")

    rungs = [runner.run(stopping.up_to(step), test=False).stages[-1].step for step in (30, 70)]

    assert rungs == [30, STOPPED]
    assert runner.run(stopping).stages[-1].step == STOPPED
    assert runner.steps_trained == STOPPED


def test_a_run_without_it_is_written_as_before(digits_run: RunConfig, stopping: RunConfig) -> None:
    assert "early_stopping" not in digits_run.to_json()
    assert RunConfig.model_validate(stopping.to_json()) == stopping
