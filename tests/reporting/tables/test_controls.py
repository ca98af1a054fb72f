from collections.abc import Callable

import pytest

from harness.reporting.analysis.pairing import compare
from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.tables.controls import controls_table

StudyDataOf = Callable[..., StudyData]
METRIC = "test/accuracy/all"
THREE = ("frozen", "unfrozen", "never")


def test_both_compared_arms_are_set_against_each_of_the_others(study_data: StudyDataOf) -> None:
    data = study_data(trials=6, seeds=1, arms=THREE)

    table = controls_table(ReportContext(data))

    assert table is not None
    assert [row[0] for row in table.rows] == ["unfrozen minus never", "frozen minus never"]
    direct = compare(data.runs, "unfrozen", "never", METRIC).mean
    assert direct.interval is not None
    assert tuple(table.frame.loc[0, ["difference", "low"]]) == (direct.mean, direct.interval.low)


def test_differences_to_a_control_add_up_to_the_primary_one(study_data: StudyDataOf) -> None:
    context = ReportContext(study_data(trials=6, seeds=2, arms=THREE))

    table = controls_table(context)

    assert table is not None
    first, second = table.frame["difference"]
    assert first - second == pytest.approx(context.comparison.mean.mean)


def test_with_two_arms_there_is_nothing_beside_them(study_data: StudyDataOf) -> None:
    assert controls_table(ReportContext(study_data(trials=5, seeds=1))) is None


def test_a_control_that_never_completed_is_left_out(study_data: StudyDataOf) -> None:
    failed = tuple((trial, "never", 0) for trial in range(5))
    data = study_data(trials=5, seeds=1, arms=THREE, failed=failed, reason="killed")

    assert controls_table(ReportContext(data)) is None


@pytest.mark.parametrize("trials", [1, 2])
def test_few_configurations_have_no_interval(study_data: StudyDataOf, trials: int) -> None:
    table = controls_table(ReportContext(study_data(trials=trials, seeds=1, arms=THREE)))

    assert table is not None
    assert table.rows[0][2] == "\N{EN DASH}"
