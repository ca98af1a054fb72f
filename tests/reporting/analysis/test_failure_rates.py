import numpy as np
import pandas as pd

from harness.reporting.analysis.failure_rates import collapses

METRIC = "test/accuracy/all"


def runs_of(ends: dict[str, list[float | str]]) -> pd.DataFrame:
    """Return one run a configuration and arm: a number is a result, a text the reason of a failure."""
    rows = [
        (trial, arm, 0, *(("completed", "", end) if isinstance(end, float) else ("failed", end, np.nan)))
        for arm, found in ends.items()
        for trial, end in enumerate(found)
    ]
    return pd.DataFrame(rows, columns=["trial", "arm", "seed", "status", "reason", METRIC])


def test_what_diverged_and_what_is_no_better_than_a_guess_has_collapsed() -> None:
    runs = runs_of({"a": [0.9, 0.1, "diverged: x", 0.05], "b": [0.9, 0.9, "diverged: x", 0.11]})

    found = collapses(runs, "a", "b", METRIC, failure_value=0.1)

    assert (found.first.events, found.first.total) == (3, 4)
    assert (found.second.events, found.second.total) == (1, 4)
    assert (found.only_first, found.only_second, found.pairs) == (2, 0, 4)
    assert found.p == 0.5


def test_a_run_that_failed_for_another_reason_is_not_counted() -> None:
    runs = runs_of({"a": ["out of memory", 0.9], "b": [0.1, 0.9]})

    found = collapses(runs, "a", "b", METRIC, failure_value=0.1)

    assert (found.first.total, found.second.total, found.pairs) == (1, 2, 1)
    assert (found.only_second, found.p) == (0, 1.0)


def test_an_arm_without_runs_has_no_rate() -> None:
    found = collapses(runs_of({"b": [0.5]}), "a", "b", METRIC, failure_value=0.1)

    assert (found.first.total, found.first.interval, found.pairs) == (0, None, 0)
