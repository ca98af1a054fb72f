from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from harness.reporting.context import ReportContext
from harness.reporting.data.curve_frame import curve_frame
from harness.reporting.data.measures import Measure, measure_of
from harness.reporting.data.study_data import StudyData
from harness.reporting.tables.optimism import optimism_table
from harness.staging.ledger import StudyOrigin, StudyRecord
from harness.staging.study_spec import StudySpec

ACCURACY, LOSS = measure_of("test/accuracy/all"), measure_of("test/loss/total")


def study_of(values: dict[str, list[tuple[float, float]]], measure: Measure = ACCURACY, seeds: int = 2) -> StudyData:
    """Return runs whose configurations have (validation, test), the same under every seed but for what cancels out."""
    rows = [
        (trial, arm, seed, "completed", val + shift, test - shift)
        for arm, configurations in values.items()
        for trial, (val, test) in enumerate(configurations)
        for seed, shift in zip(range(seeds), (0.01, -0.01), strict=False)
    ]
    split = measure.metric.removeprefix("test/")
    runs = pd.DataFrame(rows, columns=["trial", "arm", "seed", "status", f"val/{split}", f"test/{split}"])
    spec = {"comparison": list(values)[:2] * (3 - len(values)), "arms": {arm: {} for arm in values}, "metric": split}
    record = StudyRecord("s", StudySpec(spec), 3, seeds)
    return StudyData(record, runs, curve_frame([]), (), StudyOrigin("s", ()))


def test_the_best_on_validation_stands_beside_what_it_is_on_test_and_all_others() -> None:
    data = study_of({"a": [(0.5, 0.5), (0.9, 0.8), (0.7, 0.7)], "b": [(0.4, 0.6), (0.3, 0.9)]})

    table = optimism_table(ReportContext(data))

    assert table is not None
    assert table.head[1:5] == (
        "best on validation (%)",
        "the same on test (%)",
        "test minus validation (percentage points)",
        "of all, on average (percentage points)",
    )
    assert table.rows == (
        ("a", "90.00", "80.00", "\N{MINUS SIGN}10.00", "\N{MINUS SIGN}3.33", "3"),
        ("b", "40.00", "60.00", "+20.00", "+40.00", "2"),
    )
    assert table.frame["trial"].tolist() == [1, 0]


def test_of_a_loss_the_best_is_the_least() -> None:
    table = optimism_table(ReportContext(study_of({"a": [(0.5, 0.6), (0.9, 0.8)]}, LOSS)))

    assert table is not None
    assert table.rows[0][:3] == ("a", "0.5000", "0.6000")


@pytest.mark.parametrize("values", [[], [(0.5, 0.5)], [(0.5, 0.5), (np.nan, 0.9)], [(0.5, 0.5), (0.9, np.inf)]])
def test_where_nothing_was_chosen_there_is_no_table(values: list[tuple[float, float]]) -> None:
    assert optimism_table(ReportContext(study_of({"a": values}))) is None


def test_searches_that_were_confirmed_have_another_table() -> None:
    data = study_of({"a": [(0.5, 0.5), (0.9, 0.8)]})

    assert optimism_table(ReportContext(replace(data, searched=data))) is None


def test_a_metric_that_was_not_seen_on_validation_chose_nothing() -> None:
    data = study_of({"a": [(0.5, 0.5), (0.9, 0.8)]})
    data.study.spec["metric"] = "loss/total"

    assert optimism_table(ReportContext(data)) is None
