from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from harness.reporting.analysis.class_answers import BEFORE
from harness.reporting.context import ReportContext
from harness.reporting.data.answers import AnswerFrames
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures.confusion import MOST_CLASSES, ConfusionData, confusion_figure

StudyDataOf = Callable[..., StudyData]


def with_classes(data: StudyData, amount: int) -> StudyData:
    """Return the study with other classes, of which those with small numbers are always taken for the next one."""
    assert data.answers is not None
    truth = np.arange(200, dtype=np.int32) % amount
    answer = np.where(truth < amount // 3, truth + 1, truth)
    states = data.answers.states.assign(answer=[answer for _ in data.answers.states["state"]])
    return replace(data, answers=AnswerFrames(data.answers.examples.assign(truth=truth), states))


def test_before_the_growth_comes_first_and_late_classes_are_answered_wrongly(answered_data: StudyDataOf) -> None:
    figure = confusion_figure(ReportContext(answered_data(trials=2)))

    assert figure is not None
    assert set(figure.data["arm"]) == {BEFORE, "unfrozen", "frozen"}
    before = figure.data[figure.data["arm"] == BEFORE].set_index(["truth", "answer"])["share"]
    assert before[7, 7] == 0
    assert before[5, 0] > 0
    assert figure.data.groupby(["arm", "truth"])["share"].sum().to_numpy() == pytest.approx(100)
    assert figure.alt.startswith(f"Most often taken for another class: {BEFORE}, ")


def test_of_many_classes_the_most_confused_are_shown(answered_data: StudyDataOf) -> None:
    figure = confusion_figure(ReportContext(with_classes(answered_data(trials=1, seeds=1), 50)))

    assert figure is not None
    assert figure.data["truth"].nunique() == MOST_CLASSES
    assert set(range(50 // 3 + 1)) < set(figure.data["truth"])
    assert f"The {MOST_CLASSES} of 50 classes with the most wrong answers" in figure.caption


def test_one_class_alone_cannot_be_confused(answered_data: StudyDataOf) -> None:
    assert confusion_figure(ReportContext(with_classes(answered_data(trials=1, seeds=1), 1))) is None


def test_runs_without_answers_have_no_figure(finished_data: StudyData) -> None:
    assert confusion_figure(ReportContext(finished_data)) is None


@pytest.mark.parametrize(
    ("shares", "darkest"), [([90, 10, 0, 100], 10), ([100, 0, 0, 100], 1), ([100, 0, np.nan, np.nan], 1)]
)
def test_the_darkest_color_is_that_of_the_largest_share_of_wrong_answers(shares: list[float], darkest: float) -> None:
    rows = pd.DataFrame({"arm": "one", "truth": [0, 0, 1, 1], "answer": [0, 1, 0, 1], "share": shares})

    assert ConfusionData(rows, ["one"]).darkest == darkest
