import os
import re
import subprocess
import sys
from collections.abc import Callable

import pandas as pd
import pytest
from matplotlib.figure import Figure

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures import _base
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


def test_a_paper_draws_each_figure_once_and_as_pdf_alone(data: StudyData, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Callable[[], Figure]] = []

    def drawing(draw: Callable[[], Figure]) -> Figure:
        drawn.append(draw)
        return new_figure(1, 1)

    monkeypatch.setattr(_base, "_laid_out", drawing)

    files = figure_files(ReportContext(data))

    assert len(drawn) == len(files) - 1 == len(set(drawn))


IN_ANOTHER_PROCESS = r"""
import sys
from harness.reporting.figures._base import Picture
from harness.reporting.figures._style import new_figure


def draw():
    figure = new_figure(2, 1)
    axes = figure.subplots()
    for name, marker in (("frozen", "o"), ("trained on", "s")):
        axes.scatter([0, 1], [1, 0], marker=marker, alpha=0.5, label=name)
    axes.legend(title="84 \N{PLUS-MINUS SIGN} 2 %, $x_1$")
    return figure


sys.stdout.buffer.write(Picture(draw).pdf)
"""


def test_two_processes_write_the_same_bytes() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    written = [
        subprocess.run(
            [sys.executable, "-c", IN_ANOTHER_PROCESS],
            env=environment | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]

    assert written[0].startswith(b"%PDF")
    assert written[0] == written[1]


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
