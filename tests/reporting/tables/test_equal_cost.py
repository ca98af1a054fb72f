from collections.abc import Callable
from dataclasses import replace

from harness.reporting.context import ReportContext
from harness.reporting.data.columns import TRUNK_FLOPS, TRUNK_SECONDS
from harness.reporting.data.study_data import StudyData
from harness.reporting.tables.equal_cost import equal_cost_table

StudyDataOf = Callable[..., StudyData]
SECONDS, FLOPS = {"frozen": 5.0, "unfrozen": 10.0, "never": 2.5}, {"frozen": 4e9, "unfrozen": 6e9}


def timed(data: StudyData) -> StudyData:
    """Return the study with seconds by arm, all of them alike, half of them before the growth."""
    total = data.runs["arm"].map(SECONDS).astype(float)
    return replace(data, runs=data.runs.assign(**{"cost/seconds": total, TRUNK_SECONDS: total / 2}))


def counted(data: StudyData) -> StudyData:
    """Return the study with operations by arm, half of them before the growth."""
    total = data.runs["arm"].map(FLOPS).astype(float)
    return replace(data, runs=data.runs.assign(**{"cost/flops": total, TRUNK_FLOPS: total / 2}))


def test_at_equal_seconds_the_dearer_arm_is_seen_on_its_way(study_data: StudyDataOf) -> None:
    table = equal_cost_table(ReportContext(timed(study_data(trials=5, seeds=2))))

    assert table is not None
    frame = table.frame.set_index(["trial", "arm"])
    frozen, unfrozen = (frame.xs(arm, level="arm") for arm in ("frozen", "unfrozen"))
    assert (frozen["at_equal_seconds"] == frozen["at_equal_updates"]).all()
    # After half of its seconds it stands just where the growth was, as the frozen arm did there.
    assert (unfrozen["at_equal_seconds"] < unfrozen["at_equal_updates"]).all()
    assert [row[0] for row in table.rows] == ["unfrozen", "frozen", "unfrozen minus frozen"]


def test_without_seconds_or_curves_there_is_no_table(study_data: StudyDataOf) -> None:
    data = study_data(trials=5, seeds=1)

    for poorer in (
        replace(data, runs=data.runs.drop(columns="cost/seconds")),
        replace(data, curves=data.curves.iloc[:0]),
        replace(data, runs=data.runs.assign(**{"cost/seconds": 0.0})),
    ):
        assert equal_cost_table(ReportContext(poorer)) is None


def test_where_operations_were_counted_arms_stand_at_equal_operations_too(study_data: StudyDataOf) -> None:
    table = equal_cost_table(ReportContext(counted(timed(study_data(trials=5, seeds=1)))))

    assert table is not None
    assert table.title == "At equal updates, and at equal seconds or operations"
    row = dict(zip(table.head, table.rows[0], strict=True))
    assert (row["its seconds in all"], row["its operations in all (GFLOP)"]) == ("10.0", "6.00")
    assert "(GFLOP)" not in str(table.note)
    frame = table.frame.set_index(["trial", "arm"]).xs("unfrozen", level="arm")
    # It costs half as much again in operations, but twice as much in seconds.
    assert (frame["at_equal_seconds"] < frame["at_equal_flops"]).all()
    assert (frame["at_equal_flops"] < frame["at_equal_updates"]).all()


def test_where_operations_were_not_counted_that_is_said(study_data: StudyDataOf) -> None:
    table = equal_cost_table(ReportContext(study_data(trials=5, seeds=1)))

    assert table is not None
    assert "Operations of whole networks are not recorded" in str(table.note)
