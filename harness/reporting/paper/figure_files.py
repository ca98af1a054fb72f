"""Figures for a paper: each as PDF, and the lines of LaTeX that set it."""

from collections.abc import Iterator
from contextlib import suppress

from harness.core.errors import InputError
from harness.reporting.context import ReportContext
from harness.reporting.figures._base import ReportFigure
from harness.reporting.paper.letters import escaped
from harness.reporting.results.parts import FIGURES, make_figure

__all__ = ["figure_files"]


def figure_files(context: ReportContext) -> dict[str, bytes]:
    """Return `figures/*.pdf` and `figures.tex` by relative path: the same report gives the same bytes."""
    figures = list(_figures(context))
    texts = [_latex_figure(figure) for figure in figures]
    files = {_path(figure): figure.pdf for figure in figures}
    return files | {"figures.tex": "\n".join(texts).encode()}


def _figures(context: ReportContext) -> Iterator[ReportFigure]:
    for name in FIGURES:
        with suppress(InputError):  # for some there is nothing to draw
            yield make_figure(context, name)


def _path(figure: ReportFigure) -> str:
    return f"figures/{figure.name}.pdf"


def _latex_figure(figure: ReportFigure) -> str:
    """Return a figure as wide as the text, its caption the report's."""
    lines = [
        r"\begin{figure}",
        r"\centering",
        rf"\includegraphics[width=\linewidth]{{{_path(figure)}}}",
        rf"\caption{{{escaped(figure.title)}. {escaped(figure.caption)}}}",
        rf"\label{{fig:{figure.name}}}",
        r"\end{figure}",
    ]
    return "\n".join(lines) + "\n"
