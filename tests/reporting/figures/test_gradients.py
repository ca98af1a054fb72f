from collections.abc import Callable

import pandas as pd
import pytest

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures._base import ReportFigure
from harness.reporting.figures.gradients import gradients_figure

StudyDataOf = Callable[..., StudyData]


def means(figure: ReportFigure, series: str, arm: str) -> pd.DataFrame:
    return figure.data[(figure.data["series"] == series) & (figure.data["arm"] == arm)]


def test_a_frozen_backbone_has_no_gradient_and_skipped_updates_are_shares(rich_data: StudyData) -> None:
    figure = gradients_figure(ReportContext(rich_data))

    assert figure is not None
    frozen = means(figure, "train/trunk_norm/known", "frozen")
    assert not frozen["grown"].any()
    skipped = means(figure, "train/skipped_steps", "unfrozen")["value"]
    assert skipped.mean() == pytest.approx(0.1, abs=0.02)
    assert "make an arm's budget smaller" in figure.caption
    assert (means(figure, "train/loss_scale", "frozen")["value"] == 1024).all()
