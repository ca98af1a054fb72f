from collections.abc import Callable

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.tables._base import ReportTable
from harness.reporting.tables.failure_rates import failure_rates_table

StudyDataOf = Callable[..., StudyData]


def made(data: StudyData, guess: float) -> ReportTable | None:
    data.study.spec["failure_value"] = guess
    return failure_rates_table(ReportContext(data))


def test_runs_that_came_to_nothing_are_counted_by_arm(study_data: StudyDataOf) -> None:
    data = study_data(trials=5, seeds=2, failed=((0, "frozen", 0), (0, "frozen", 1), (3, "unfrozen", 0)))

    table = made(data, 0.1)

    assert table is not None
    assert [row[:4] for row in table.rows] == [("unfrozen", "10", "1", "10.0"), ("frozen", "10", "2", "20.0")]
    assert table.frame["high"].tolist() == sorted(table.frame["high"])
    assert "In 1 pair only the run under unfrozen did so, in 2 only that under frozen" in table.note


def test_without_a_collapse_or_a_guess_there_is_no_table(study_data: StudyDataOf) -> None:
    collapsed = study_data(trials=5, seeds=1, failed=((0, "frozen", 0),))
    collapsed.study.spec["metric"] = "forgetting"  # which has no value of a guess

    assert made(study_data(trials=6, seeds=2), 0.1) is None
    assert failure_rates_table(ReportContext(collapsed)) is None
