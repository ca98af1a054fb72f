import itertools
from collections.abc import Callable

import pytest

from harness.core.errors import InterruptedRunError
from harness.core.spec import with_changes
from harness.staging.results import RunResult
from harness.staging.run import RunConfig
from harness.staging.runner import Runner


def numbers(result: RunResult) -> object:
    """Return the results of a run, without the time it took."""
    return {name: value for name, value in result.metrics.items() if name != "cost/seconds"}, result.history


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
