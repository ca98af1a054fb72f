"""A figure of a report, with its caption, its words for those who cannot see it, and the data it was drawn from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, wraps
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from harness.reporting.context import ReportContext
from harness.reporting.figures import _style as style

__all__ = ["Picture", "ReportFigure", "if_compared", "rendered"]


class Picture:
    """What `draw` draws, in each format when it is first asked for: reports want PNG and SVG, papers PDF alone."""

    def __init__(self, draw: Callable[[], Figure]) -> None:
        self._draw = draw

    @cached_property
    def _of_reports(self) -> tuple[bytes, bytes]:
        with style.applied():
            figure = _laid_out(self._draw)
            return style.png(figure), style.svg(figure)

    @property
    def png(self) -> bytes:
        return self._of_reports[0]

    @property
    def svg(self) -> bytes:
        return self._of_reports[1]

    @property
    def pdf(self) -> bytes:
        """The same as PDF, with its font embedded."""
        with style.applied():
            return style.pdf(_laid_out(self._draw))


@dataclass(frozen=True)
class ReportFigure:
    """A figure as the report shows it.

    Attributes:
        name: of its files, and what tests and readers call it.
        caption: what is shown: the quantity, how many units, which interval, what was left out.
        alt: the same in a sentence with numbers, for those who cannot see it.
        data: everything drawn, at full precision.
        picture: drawn when it is asked for.
    """

    name: str
    title: str
    caption: str
    alt: str
    data: pd.DataFrame = field(repr=False)
    picture: Picture = field(repr=False)

    @property
    def png(self) -> bytes:
        return self.picture.png

    @property
    def svg(self) -> bytes:
        return self.picture.svg

    @property
    def pdf(self) -> bytes:
        return self.picture.pdf

    def _repr_svg_(self) -> str:
        return self.svg.decode()

    def _repr_png_(self) -> bytes:
        return self.png


def rendered(draw: Callable[[], Figure]) -> dict[str, Any]:
    """Return the part of a `ReportFigure` that is drawn, in the reports' style."""
    return {"picture": Picture(draw)}


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
