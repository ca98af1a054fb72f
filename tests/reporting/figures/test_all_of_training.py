from collections.abc import Callable

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures._base import ReportFigure
from harness.reporting.figures.all_of_training import all_of_training_figure

StudyDataOf = Callable[..., StudyData]
THREE = ("frozen", "unfrozen", "partly")


def made(data: StudyData) -> ReportFigure:
    figure = all_of_training_figure(ReportContext(data))
    assert figure is not None
    return figure


def test_all_arms_are_shown_over_the_configurations_that_all_completed(study_data: StudyDataOf) -> None:
    whole = made(study_data(trials=5, seeds=1, arms=THREE))
    lacking = made(study_data(trials=5, seeds=1, arms=THREE, failed=((2, "partly", 0),)))

    assert set(whole.data["arm"]) == set(THREE)
    assert "5 configurations" in whole.caption
    assert "4 configurations" in lacking.caption
