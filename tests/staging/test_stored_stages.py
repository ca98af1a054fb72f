from collections.abc import Callable

import pytest

from harness.core.history import History
from harness.staging.histories import read_answers, run_history
from harness.staging.results import RunResult
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.stored_stages import is_evaluated


def numbers(result: RunResult) -> object:
    """Return the results of a run, without the time it took."""
    return {name: value for name, value in result.metrics.items() if name != "cost/seconds"}, result.history


@pytest.mark.parametrize("first", [True, False])
def test_a_run_has_results_on_test_data_exactly_if_it_asks_for_them_whoever_came_before(
    runner_in: Callable[[str], Runner], digits_run: RunConfig, first: bool
) -> None:
    shared = runner_in("home")
    shared.run(digits_run, test=first)

    result = shared.run(digits_run, test=not first)

    other = runner_in("alone")
    alone = other.run(digits_run, test=not first)
    assert shared.steps_trained == digits_run.steps
    assert numbers(result) == numbers(alone)
    assert any("test/" in name for name in result.metrics) == (not first)
    assert run_history(shared.store.root, result.stages, test=not first) == alone.history
    for address in alone.stages:  # the one that was evaluated on test data once, whoever did it
        answers, again = (read_answers(runner.store.root, address) for runner in (shared, other))
        assert answers is not None
        assert (again.to_bytes() if again else b"") == (b"" if first else answers.to_bytes())


def test_a_split_is_evaluated_at_its_last_step_alone() -> None:
    history = History()
    for step in (10, 20):
        history.record(step, {"val/loss/total": 1.0})

    assert is_evaluated(history, "val", 20)
    assert not is_evaluated(history, "val", 10)
    assert not is_evaluated(history, "test", 20)
