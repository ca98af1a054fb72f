from collections.abc import Callable
from dataclasses import replace

from harness.reporting.context import ReportContext
from harness.reporting.data.columns import TRUNK_SECONDS
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures.equal_compute import equal_compute_figure

StudyDataOf = Callable[..., StudyData]
SECONDS = {"frozen": 5.0, "unfrozen": 10.0, "never": 2.5}


def timed(data: StudyData) -> StudyData:
    """Return the study with seconds by arm, all of them alike, half of them before the growth."""
    total = data.runs["arm"].map(SECONDS).astype(float)
    return replace(data, runs=data.runs.assign(**{"cost/seconds": total, TRUNK_SECONDS: total / 2}))


def test_every_arm_has_its_line_as_far_as_it_was_trained(study_data: StudyDataOf) -> None:
    arms = ("frozen", "unfrozen", "never")

    figure = equal_compute_figure(ReportContext(timed(study_data(trials=5, seeds=1, arms=arms))))

    assert figure is not None
    furthest = figure.data.groupby("arm")["seconds"].max()
    assert furthest["never"] <= 2.5 < furthest["frozen"] <= 5 < furthest["unfrozen"] <= 10


def test_one_arm_alone_is_set_beside_nothing(study_data: StudyDataOf) -> None:
    missing = tuple((trial, "frozen", 0) for trial in range(5))

    assert equal_compute_figure(ReportContext(study_data(trials=5, seeds=1, missing=missing))) is None


def test_without_seconds_or_curves_there_is_no_view_at_equal_cost(study_data: StudyDataOf) -> None:
    data = study_data(trials=5, seeds=1)

    for poorer in (
        replace(data, runs=data.runs.drop(columns="cost/seconds")),
        replace(data, curves=data.curves.iloc[:0]),
        replace(data, runs=data.runs.assign(**{"cost/seconds": 0.0})),
    ):
        assert equal_compute_figure(ReportContext(poorer)) is None


def test_reports_from_before_the_seconds_to_the_growth_were_known_still_have_the_view(study_data: StudyDataOf) -> None:
    data = study_data(trials=5, seeds=1)

    older = replace(data, runs=data.runs.drop(columns=TRUNK_SECONDS))

    assert equal_compute_figure(ReportContext(older)) is not None
