from collections.abc import Callable
from dataclasses import replace

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures._base import ReportFigure
from harness.reporting.figures.best_so_far import best_so_far_figure

StudyDataOf = Callable[..., StudyData]


def made(data: StudyData) -> ReportFigure:
    figure = best_so_far_figure(ReportContext(data))
    assert figure is not None
    return figure


def without(data: StudyData, metric: str) -> StudyData:
    return replace(data, runs=data.runs.drop(columns=metric))


def test_the_best_so_far_is_that_of_each_arm_alone(finished_data: StudyData) -> None:
    data = made(finished_data).data

    tried = data[data["shown"] == "as tried"]
    assert tried.groupby("arm")["configurations"].apply(list).tolist() == [[1, 2, 3, 4, 5, 6]] * 2
    assert data[data["shown"] == "expected"].groupby("arm")["configurations"].max().tolist() == [3, 3]
    assert tried["seconds"].groupby(tried["arm"]).is_monotonic_increasing.all()


def test_a_sampler_that_looks_at_results_has_no_other_order(study_data: StudyDataOf) -> None:
    data = study_data(trials=5, seeds=1)
    data.study.spec["sampler"] = {"kind": "tpe"}

    figure = made(data)

    assert set(figure.data["shown"]) == {"as tried"}
    assert "no other order" in figure.caption


def test_without_validation_nothing_can_be_chosen(study_data: StudyDataOf) -> None:
    assert best_so_far_figure(ReportContext(without(study_data(trials=5, seeds=1), "val/accuracy/all"))) is None


def test_without_seconds_configurations_alone_are_counted(study_data: StudyDataOf) -> None:
    assert made(without(study_data(trials=5, seeds=1), "cost/seconds")).data["seconds"].isna().all()
