from collections.abc import Callable

import pandas as pd

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures._base import ReportFigure
from harness.reporting.figures.drift import drift_figure

StudyDataOf = Callable[..., StudyData]


def means(figure: ReportFigure, series: str, arm: str) -> pd.DataFrame:
    return figure.data[(figure.data["series"] == series) & (figure.data["arm"] == arm)]


def test_a_frozen_layer_has_not_drifted_at_all(rich_data: StudyData) -> None:
    figure = drift_figure(ReportContext(rich_data))

    assert figure is not None
    assert (means(figure, "drift/cka/output", "frozen")["value"] == 1).all()
    assert (means(figure, "drift/change/output", "frozen")["value"] == 0).all()
    assert means(figure, "drift/cka/output", "unfrozen")["value"].min() < 1
    assert (means(figure, "drift/probe/output", "unfrozen")["value"] == 0.75).all()
    assert "a ridge classifier, fitted to all others" in figure.caption
