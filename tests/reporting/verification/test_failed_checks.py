import pandas as pd

from harness.reporting.verification.failed_checks import CHECKS, failed_checks, failed_runs

TABLE = b"""what,found,evidence
same start,FAIL,Apart.
plan unchanged,FAIL,"Another, later plan."
runs as planned,PASS,All.
registered,NOT CHECKED,Not registered.
"""


def test_a_check_that_fails_decides_where_the_runs_are_none_of_the_study() -> None:
    files = {CHECKS: TABLE}

    assert failed_checks(files, decisive=True) == ["the check 'plan unchanged' fails: Another, later plan."]
    assert failed_checks(files, decisive=False) == ["the check 'same start' fails: Apart."]


def test_a_report_without_the_table_has_none() -> None:
    assert failed_checks({}, decisive=True) == []


def test_failed_runs_are_counted_by_reason() -> None:
    runs = pd.DataFrame({"status": ["completed", *["failed"] * 4], "reason": ["", "memory", "time", "memory", ""]})

    assert failed_runs(runs) == (
        "2 of 5 runs failed: memory",
        "1 of 5 runs failed: time",
        "1 of 5 runs failed: no reason recorded",
    )
