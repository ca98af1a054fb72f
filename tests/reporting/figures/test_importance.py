import re
from collections.abc import Callable

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures.importance import importance_figure

StudyDataOf = Callable[..., StudyData]


def test_with_twelve_configurations_it_is_shown_what_the_difference_depends_on(study_data: StudyDataOf) -> None:
    figure = importance_figure(ReportContext(study_data(trials=12, seeds=1)))

    assert figure is not None
    assert set(figure.data["name"]) == {"when", "where", "width", "init", "loss weight"}
    assert "12 configurations" in figure.caption
    assert re.search(r"Above it: |No field stands above it", figure.caption)
