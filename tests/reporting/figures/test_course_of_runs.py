from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures.course_of_runs import course_of_runs_figure

StudyDataOf = Callable[..., StudyData]


def test_every_planned_run_has_its_line_however_it_ended(study_data: StudyDataOf) -> None:
    data = study_data(trials=3, seeds=2, failed=((0, "frozen", 0),), missing=((2, "unfrozen", 1),))

    figure = course_of_runs_figure(ReportContext(data))

    assert figure is not None
    assert figure.alt.startswith("12 runs: 10 completed, 1 failed and 1 not ended")
    rows = figure.data.set_index(["trial", "arm", "seed"])
    assert tuple(rows.loc[(2, "unfrozen", 2001), ["ended", "last"]]) == ("not ended", 0)
    assert rows.loc[(0, "frozen", 0), "ended"] == "failed"
    assert rows.loc[(1, "frozen", 1000), "last"] == 600


def test_growths_are_marked_where_they_happened(study_data: StudyDataOf) -> None:
    data = study_data(trials=4, seeds=1, growth_metrics=True)

    figure = course_of_runs_figure(ReportContext(data))

    assert figure is not None
    steps = figure.data.set_index(["trial", "arm", "seed"])["growth"]
    known = data.runs.set_index(["trial", "arm", "seed"])["growth_step"]
    assert steps.to_dict() == known.to_dict()


def test_of_very_many_configurations_some_are_drawn_evenly(study_data: StudyDataOf) -> None:
    figure = course_of_runs_figure(ReportContext(study_data(trials=40, seeds=4)))

    assert figure is not None
    assert "15 of 40 configurations" in figure.caption
    assert figure.data["trial"].nunique() == 15


def test_before_any_run_has_ended_there_is_nothing_to_draw(study_data: StudyDataOf) -> None:
    assert course_of_runs_figure(ReportContext(study_data(trials=2, seeds=0))) is None


@pytest.mark.parametrize("trials", [1, 2])
def test_runs_beside_the_plan_are_drawn_too(study_data: StudyDataOf, trials: int) -> None:
    data = study_data(trials=3, seeds=1)
    data = replace(data, study=replace(data.study, trials=trials))

    figure = course_of_runs_figure(ReportContext(data))

    assert figure is not None
    assert figure.data["trial"].nunique() == 3
