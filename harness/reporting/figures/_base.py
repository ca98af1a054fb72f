"""An exhibit: a figure with its caption, its words for those who cannot see it, and the data it was drawn from."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from harness.reporting.figures import _style as style

__all__ = ["Exhibit", "rendered"]


@dataclass(frozen=True)
class Exhibit:
    """A figure as the report shows it.

    Attributes:
        caption: what is shown: the quantity, how many units, which interval, what was left out.
        alt: the same in a sentence with numbers, for those who cannot see it.
        data: everything drawn, at full precision.
    """

    name: str
    title: str
    caption: str
    alt: str
    png: bytes
    svg: bytes
    data: pd.DataFrame


def rendered(draw: Callable[[], Figure]) -> dict[str, bytes]:
    """Draw in the reports' style and return the figure's bytes by format."""
    with style.applied():
        figure = draw()
        return {"png": style.png(figure), "svg": style.svg(figure)}
