from collections.abc import Callable

import pytest

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures.preserved import preserved_figure

StudyDataOf = Callable[..., StudyData]


def test_growths_are_shown_once_by_how_new_parameters_began(rich_data: StudyData) -> None:
    figure = preserved_figure(ReportContext(rich_data))

    assert figure is not None
    assert len(figure.data) == 12 * 2
    assert set(figure.data["begins"]) <= {"xavier_uniform", "kaiming_normal", "orthogonal"}
    assert figure.data["loss"].to_numpy() == pytest.approx(figure.data["logits"].to_numpy())


@pytest.mark.parametrize("space", [{}, {"width": {"field": "growth.operation.width"}}])
def test_without_a_searched_beginning_all_growths_are_one_group(
    study_data: StudyDataOf, space: dict[str, object]
) -> None:
    data = study_data(trials=4, seeds=1, growth_metrics=True)
    data.study.spec["space"] = space

    figure = preserved_figure(ReportContext(data))

    assert figure is not None
    assert set(figure.data["begins"]) == {"every growth"}
    assert "0 of 4 growths" in figure.caption


def test_without_growths_nothing_was_preserved(finished_data: StudyData) -> None:
    assert preserved_figure(ReportContext(finished_data)) is None
