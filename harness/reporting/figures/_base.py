"""A figure of a report, with its caption, its words for those who cannot see it, and the data it was drawn from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from harness.reporting.context import ReportContext
from harness.reporting.figures import _style as style

__all__ = ["ReportFigure", "if_compared", "rendered"]


@dataclass(frozen=True)
class ReportFigure:
    """A figure as the report shows it.

    Attributes:
        name: of its files, and what tests and readers call it.
        caption: what is shown: the quantity, how many units, which interval, what was left out.
        alt: the same in a sentence with numbers, for those who cannot see it.
        data: everything drawn, at full precision.
        draw: draws it, for `pdf`.
    """

    name: str
    title: str
    caption: str
    alt: str
    png: bytes = field(repr=False)
    svg: bytes = field(repr=False)
    data: pd.DataFrame = field(repr=False)
    draw: Callable[[], Figure] = field(repr=False)

    @property
    def pdf(self) -> bytes:
        """The figure as PDF with its font embedded; drawn when it is asked for, since only papers ask."""
        with style.applied():
            return style.pdf(_laid_out(self.draw))

    def _repr_svg_(self) -> str:
        return self.svg.decode()

    def _repr_png_(self) -> bytes:
        return self.png


def rendered(draw: Callable[[], Figure]) -> dict[str, Any]:
    """Draw in the reports' style; return the figure's bytes by format, and what draws it once more."""
    with style.applied():
        figure = _laid_out(draw)
        return {"png": style.png(figure), "svg": style.svg(figure), "draw": draw}


def _laid_out(draw: Callable[[], Figure]) -> Figure:
    figure = draw()
    style.lay_out(figure)
    return figure


def if_compared(
    make: Callable[[ReportContext], ReportFigure | None],
) -> Callable[[ReportContext], ReportFigure | None]:
    """Make no figure where no two runs can be compared."""

    @wraps(make)
    def checked(context: ReportContext) -> ReportFigure | None:
        return make(context) if context.compared else None

    return checked
