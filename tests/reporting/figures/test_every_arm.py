from collections.abc import Callable

import numpy as np
import pytest

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures.every_arm import every_arm_figure

StudyDataOf = Callable[..., StudyData]
THREE = ("frozen", "unfrozen", "never")


def test_with_two_arms_there_is_nothing_beside_them(study_data: StudyDataOf) -> None:
    assert every_arm_figure(ReportContext(study_data(trials=5, seeds=1))) is None


def test_a_control_that_never_completed_is_left_out(study_data: StudyDataOf) -> None:
    failed = tuple((trial, "never", 0) for trial in range(5))
    data = study_data(trials=5, seeds=1, arms=THREE, failed=failed, reason="killed")

    assert every_arm_figure(ReportContext(data)) is None


@pytest.mark.parametrize("trials", [1, 2])
def test_few_configurations_have_no_interval(study_data: StudyDataOf, trials: int) -> None:
    figure = every_arm_figure(ReportContext(study_data(trials=trials, seeds=1, arms=THREE)))

    assert figure is not None
    assert np.isnan(figure.data["low"]).all()


def test_arms_stand_side_by_side_over_the_configurations_that_all_completed(study_data: StudyDataOf) -> None:
    data = study_data(trials=5, seeds=1, arms=THREE, failed=((2, "never", 0),))

    figure = every_arm_figure(ReportContext(data))

    assert figure is not None
    assert "4 configurations" in figure.caption
