from collections.abc import Callable

import pandas as pd
import pytest

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures._base import ReportFigure
from harness.reporting.figures.loss_shares import loss_shares_figure

StudyDataOf = Callable[..., StudyData]


def means(figure: ReportFigure, series: str, arm: str) -> pd.DataFrame:
    return figure.data[(figure.data["series"] == series) & (figure.data["arm"] == arm)]


def test_shares_of_the_loss_add_up_at_every_step(rich_data: StudyData) -> None:
    figure = loss_shares_figure(ReportContext(rich_data))

    assert figure is not None
    sums = figure.data.groupby(["arm", "grown", "offset"])["value"].sum()
    assert sums.to_numpy() == pytest.approx(100)
    late = means(figure, "train/loss_weighted/late", "frozen")
    assert late["value"].to_numpy() == pytest.approx(100 * 2 / 3)
    assert "loss weight under unfrozen" in figure.caption
