from collections.abc import Callable

import pytest

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures.classes import classes_figure

StudyDataOf = Callable[..., StudyData]


def test_classes_stand_by_what_they_were_and_what_was_taken_of_them(rich_data: StudyData) -> None:
    figure = classes_figure(ReportContext(rich_data))

    assert figure is not None
    rows = figure.data.set_index(["name", "arm"])
    assert rows[["before", "end", "taken"]].loc[[("3", "frozen")]].to_numpy()[0] == pytest.approx([90, 80, 4])
    assert rows["taken"].loc[[("7", "frozen")]].tolist() == pytest.approx([10])
    assert rows["before"].loc[[("7", "frozen")]].isna().all()
    assert rows["known"].groupby("name").all().sum() == 6
