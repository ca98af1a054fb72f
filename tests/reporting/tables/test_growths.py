from dataclasses import replace

import pandas as pd

from harness.reporting.context import ReportContext
from harness.reporting.data.curve_frame import CURVE_COLUMNS
from harness.reporting.data.study_data import StudyData
from harness.reporting.tables.growths import growths_table


def test_what_the_growths_did_is_counted_over_all_of_them(finished_data: StudyData) -> None:
    runs = finished_data.runs.head(4)
    measured = {"frozen": 0.25, "unfrozen": 0.75}
    rows = [
        (run["run_id"], run["trial"], run["arm"], run["seed"], name, True, run["growth_step"], 0.0, value)
        for run in runs.to_dict("records")
        for name, value in (
            ("growth/logit_change", measured[run["arm"]]),
            ("growth/parameters_added", 1040.0),
        )
    ]
    curves = pd.DataFrame(rows, columns=CURVE_COLUMNS).astype(dict.fromkeys(("run_id", "arm", "name"), "category"))

    table = growths_table(ReportContext(replace(finished_data, curves=curves)))

    assert table is not None
    assert table.rows == (
        ("logit change", "4", "0.5000", "0.2500", "0.7500"),
        ("parameters added", "4", "1,040", "1,040", "1,040"),
    )
    assert table.frame.to_dict("list") == {
        "name": ["growth/logit_change", "growth/parameters_added"],
        "size": [4, 4],
        "mean": [0.5, 1040.0],
        "min": [0.25, 1040.0],
        "max": [0.75, 1040.0],
    }


def test_a_run_that_recorded_nothing_of_its_growth_has_no_row(finished_data: StudyData) -> None:
    table = growths_table(ReportContext(finished_data))

    assert table is not None
    assert table.rows == ()
