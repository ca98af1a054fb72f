from collections.abc import Callable

from harness.reporting.analysis.class_answers import BEFORE
from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures.calibration import calibration_figure

StudyDataOf = Callable[..., StudyData]


def test_all_arms_and_the_state_before_the_growth_are_drawn(answered_data: StudyDataOf) -> None:
    data = answered_data(arms=("frozen", "unfrozen", "never"), never=("never",), trials=2)

    figure = calibration_figure(ReportContext(data))

    assert figure is not None
    assert set(figure.data["arm"]) == {"frozen", "unfrozen", "never", BEFORE}
    assert "whose class could be seen" in figure.caption
    assert all(arm in figure.alt for arm in ("frozen", "unfrozen", "never", BEFORE))


def test_without_a_growth_nothing_is_said_of_before(answered_data: StudyDataOf) -> None:
    figure = calibration_figure(ReportContext(answered_data(never=("frozen", "unfrozen"), trials=2)))

    assert figure is not None
    assert BEFORE not in set(figure.data["arm"])
    assert "Before" not in figure.caption


def test_runs_without_answers_have_no_figure(finished_data: StudyData) -> None:
    assert calibration_figure(ReportContext(finished_data)) is None
