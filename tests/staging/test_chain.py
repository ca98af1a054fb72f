import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.core.errors import InterruptedRunError, KilledError
from harness.core.spec import with_changes
from harness.staging.chain import MOST_DEATHS
from harness.staging.histories import run_history
from harness.staging.leases import Leases
from harness.staging.results import RunResult
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.stage_key import first_key
from harness.staging.workspace import Workspace

GONE = '["another-machine", "boot", 1, 2.5]'


@pytest.fixture
def runner_in(tmp_path: Path) -> Callable[[str], Runner]:
    """Return a runner in a home of that name."""

    def made(name: str) -> Runner:
        return Runner(Workspace(tmp_path / name).create())

    return made


def numbers(result: RunResult) -> object:
    """Return what a run came to, without the time it took."""
    return {name: value for name, value in result.metrics.items() if name != "cost/seconds"}, result.history


@pytest.mark.parametrize("first", [True, False])
def test_a_run_has_results_on_test_data_exactly_if_it_asks_for_them_whoever_came_before(
    runner_in: Callable[[str], Runner], digits_run: RunConfig, first: bool
) -> None:
    shared = runner_in("home")
    shared.run(digits_run, test=first)

    result = shared.run(digits_run, test=not first)

    alone = runner_in("alone").run(digits_run, test=not first)
    assert shared.steps_trained == digits_run.steps
    assert numbers(result) == numbers(alone)
    assert any("test/" in name for name in result.metrics) == (not first)
    assert run_history(shared.store.root, result.stages, test=not first) == alone.history


def test_a_run_that_ends_where_another_was_interrupted_is_evaluated_there(
    runner_in: Callable[[str], Runner], digits_run: RunConfig
) -> None:
    shared, shorter = runner_in("home"), with_changes(digits_run, {"steps": 33})
    asked = itertools.count(1)
    shared.stop = lambda: next(asked) >= 33
    with pytest.raises(InterruptedRunError, match="after step 33"):
        shared.run(digits_run, test=False)
    shared.stop = lambda: False

    result = shared.run(shorter, test=False)

    assert result.history["val/accuracy/all"].steps == [0, 10, 20, 20, 30, 33]
    assert numbers(result) == numbers(runner_in("alone").run(shorter, test=False))


@pytest.mark.parametrize("deaths", range(MOST_DEATHS + 1))
def test_a_stage_is_given_up_when_so_many_died_in_it(runner: Runner, digits_run: RunConfig, deaths: int) -> None:
    short = with_changes(digits_run, {"steps": 1, "growths": []})
    for number in range(deaths):
        dead = Leases(runner.store.ledger.database, GONE.replace("1,", f"{number},"), duration_s=-1)
        assert dead._acquire(first_key(short)) is not None

    if deaths < MOST_DEATHS:
        assert runner.run(short).stages[-1].step == 1
        with Leases(runner.store.ledger.database).hold(first_key(short)) as lease:
            assert lease is not None
            assert lease.deaths == 0
    else:
        with pytest.raises(KilledError, match=f"{deaths} processes died in the stage that begins at step 0"):
            runner.run(short)
