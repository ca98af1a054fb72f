import numpy as np
import pandas as pd
import pytest

from harness.reporting.analysis.budgets import Budgets, budgets_of
from harness.reporting.analysis.pairing import compare
from harness.reporting.data.study_data import StudyData

METRIC = "test/accuracy/all"
ARMS = ("unfrozen", "frozen")


def spent(data: StudyData, *, updates: float, operations: float) -> pd.DataFrame:
    """Return the runs, frozen ones with so many updates and operations for each 100 of others."""
    frozen = data.runs["arm"] == "frozen"
    return data.runs.assign(
        **{"cost/steps": np.where(frozen, updates, 100.0), "cost/flops": np.where(frozen, operations, 100.0)}
    )


@pytest.mark.parametrize(
    ("updates", "operations", "equal"),
    [(100, 50, "updates"), (96, 50, "updates"), (75, 104, "operations"), (75, 100, "operations"), (75, 90, "")],
)
def test_arms_are_equal_in_updates_or_else_in_operations(
    finished_data: StudyData, updates: float, operations: float, equal: str
) -> None:
    runs = spent(finished_data, updates=updates, operations=operations)

    found = budgets_of(runs, compare(runs, *ARMS, METRIC))

    assert found == Budgets(12, (100, updates), (100, operations), updates == 100)
    assert found.equal == equal


def test_without_counts_nothing_is_known(finished_data: StudyData) -> None:
    runs = spent(finished_data, updates=75, operations=100)
    comparison = compare(runs, *ARMS, METRIC)

    uncounted = budgets_of(runs.drop(columns="cost/flops"), comparison)

    assert budgets_of(runs.drop(columns="cost/steps"), comparison) is None
    assert budgets_of(runs.assign(status="running"), comparison) is None
    assert uncounted
    assert uncounted.equal == ""
