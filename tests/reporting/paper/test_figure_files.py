import re
from collections.abc import Callable

import pandas as pd
import pytest
from matplotlib.figure import Figure

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures._base import ReportFigure, rendered
from harness.reporting.figures._style import new_figure
from harness.reporting.paper.figure_files import figure_files


@pytest.fixture(scope="module")
def data(study_data: Callable[..., StudyData]) -> StudyData:
    """The data of a study that recorded much of what there is to draw."""
    return study_data(trials=6, seeds=2, rich=True)


@pytest.mark.usefixtures("figures_undrawn")
def test_every_figure_is_a_file_that_one_line_includes(data: StudyData) -> None:
    files = figure_files(ReportContext(data))

    lines = files.pop("figures.tex").decode()
    assert re.findall(r"\\includegraphics\[width=\\linewidth\]\{(.*)\}", lines) == list(files)
    assert "figures/paired_differences.pdf" in files
    assert lines.count(r"\caption{") == lines.count(r"\label{fig:") == len(files)
    assert all(content.startswith(b"%PDF") for content in files.values())


def test_a_figure_has_its_font_and_no_date_and_is_the_same_each_time() -> None:
    def draw() -> Figure:
        figure = new_figure(2, 1)
        figure.text(0.1, 0.5, "84 %")
        return figure

    figure = ReportFigure("one", "", "", "", data=pd.DataFrame(), **rendered(draw))

    assert figure.pdf == figure.pdf
    assert b"/FontFile2" in figure.pdf
    assert b"/Type3" not in figure.pdf
    assert b"Date" not in figure.pdf
