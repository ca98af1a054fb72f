"""What was kept against what was learned: forgetting and late-class accuracy, arm by arm."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from harness.reporting.data.measures import Measure
from harness.reporting.figures._style import MUTED, STYLES, add_legend, arm_handles, label, new_figure

__all__ = ["TradeoffData", "draw_tradeoff"]

COLUMNS = ("x_first", "y_first", "x_second", "y_second")


@dataclass(frozen=True)
class TradeoffData:
    """One row a configuration: `x_first, y_first, x_second, y_second`; `means` holds the same, once."""

    rows: pd.DataFrame
    means: pd.Series
    x: Measure
    y: Measure
    arms: Sequence[str]


def draw_tradeoff(data: TradeoffData) -> Figure:
    """Draw a point per configuration and arm, pairs joined by a line, and the mean of each arm."""
    figure = new_figure(6.4, 4.6)
    figure.set_layout_engine("constrained")
    axes = figure.subplots()
    fx, fy = data.x.factor, data.y.factor
    for x_first, y_first, x_second, y_second in data.rows[list(COLUMNS)].to_numpy(dtype=float):
        axes.plot([x_second * fx, x_first * fx], [y_second * fy, y_first * fy], color=MUTED, lw=0.7, alpha=0.5)
    for role, style in zip(("first", "second"), STYLES, strict=False):
        x, y = data.rows[f"x_{role}"] * fx, data.rows[f"y_{role}"] * fy
        axes.plot(x, y, style.marker, color=style.color, ms=5.5, mec="white", mew=0.6, alpha=0.85)
        axes.plot(
            data.means[f"x_{role}"] * fx,
            data.means[f"y_{role}"] * fy,
            style.marker,
            color=style.color,
            ms=12,
            mec="black",
            mew=1.6,
            zorder=5,
        )
    axes.set_xlabel(f"\N{LEFTWARDS ARROW} less forgotten\n{label(data.x.title, 60)} ({data.x.unit})")
    axes.set_ylabel(f"{label(data.y.title, 46)} ({data.y.level_unit})\nmore learned \N{RIGHTWARDS ARROW}")
    add_legend(figure, arm_handles(data.arms, lines=False))
    return figure
