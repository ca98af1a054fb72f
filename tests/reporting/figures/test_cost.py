from collections.abc import Callable
from dataclasses import replace

import numpy as np

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures._base import ReportFigure
from harness.reporting.figures.cost import cost_figure

StudyDataOf = Callable[..., StudyData]
THREE = ("frozen", "unfrozen", "partly")


def made(data: StudyData) -> ReportFigure:
    figure = cost_figure(ReportContext(data))
    assert figure is not None
    return figure


def test_cost_has_a_mean_with_its_interval_for_every_arm(finished_data: StudyData) -> None:
    figure = made(finished_data)

    means = figure.data[figure.data["shown"] == "mean"]
    costs = dict(zip(means["arm"], means["cost"].tolist(), strict=True))
    assert costs["unfrozen"] > costs["frozen"]
    assert (means["low"] < means["value"]).all()
    assert (means["value"] < means["high"]).all()
    assert "6 configurations" in figure.caption


def test_a_third_arm_stands_beside_the_two(study_data: StudyDataOf) -> None:
    assert set(made(study_data(trials=5, seeds=1, arms=THREE)).data["arm"]) == set(THREE)


def test_an_arm_that_never_completed_costs_only_its_own_place(study_data: StudyDataOf) -> None:
    failed = tuple((trial, "partly", 0) for trial in range(5))

    figure = made(study_data(trials=5, seeds=1, arms=THREE, failed=failed))

    assert set(figure.data["arm"]) == {"frozen", "unfrozen"}


def test_arms_are_set_side_by_side_over_the_configurations_that_all_completed(study_data: StudyDataOf) -> None:
    figure = made(study_data(trials=5, seeds=1, arms=THREE, failed=((2, "partly", 0),)))

    points = figure.data.dropna(subset="trial")
    assert points.groupby("arm")["trial"].apply(list).tolist() == [[0, 1, 3, 4]] * 3


def test_few_configurations_have_no_interval(study_data: StudyDataOf) -> None:
    assert np.isnan(made(study_data(trials=2, seeds=1)).data["low"]).all()


def test_without_seconds_there_is_no_cost(study_data: StudyDataOf) -> None:
    data = study_data(trials=5, seeds=1)

    assert cost_figure(ReportContext(replace(data, runs=data.runs.drop(columns="cost/seconds")))) is None
