from collections.abc import Callable
from dataclasses import replace

from harness.reporting.context import ReportContext
from harness.reporting.data.columns import TRUNK_FLOPS, TRUNK_SECONDS
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures.equal_operations import equal_operations_figure

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


def test_where_operations_were_counted_arms_stand_at_equal_operations_too(study_data: StudyDataOf) -> None:
    figure = equal_operations_figure(ReportContext(counted(timed(study_data(trials=5, seeds=1)))))

    assert figure is not None
    assert figure.name == "equal_operations"
    assert figure.data["flops"].max() <= 6  # in units of 10^9
    assert "frozen 4.00 GFLOP" in figure.alt


def test_where_operations_were_not_counted_there_is_no_view(study_data: StudyDataOf) -> None:
    assert equal_operations_figure(ReportContext(study_data(trials=5, seeds=1))) is None
