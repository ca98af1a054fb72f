"""How often answers are right that networks are so sure of, before the growth and at the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness.reporting.analysis.class_answers import BEFORE, calibration_errors, reliability, states_by_arm
from harness.reporting.context import ReportContext
from harness.reporting.data.answers import BINS
from harness.reporting.data.wording import count, listed, number
from harness.reporting.figures._base import ReportFigure, if_compared, rendered
from harness.reporting.figures._style import MUTED, ArmStyle, add_legend, arm_styles, label, new_figure

__all__ = ["CalibrationData", "calibration_figure", "draw_calibration"]

FEWEST = 10  # answers of a bin that is drawn
OF_BEFORE = ArmStyle(MUTED, (0, (1, 1.2)), "o")


@dataclass(frozen=True)
class CalibrationData:
    """What the figure shows.

    Attributes:
        bins: as `reliability` returns them.
        arms: with how they are drawn; `BEFORE` is the last one, if it is there.
    """

    bins: pd.DataFrame
    arms: Mapping[str, ArmStyle]


@if_compared
def calibration_figure(context: ReportContext) -> ReportFigure | None:
    """Show confidence and accuracy of answers to test examples; None unless classes are answered and answers kept."""
    data, comparison = context.data, context.comparison
    states = states_by_arm(data, comparison)
    if not len(states):
        return None
    bins, errors = reliability(states), calibration_errors(states)
    styles = {arm: style for arm, style in arm_styles(data.arms).items() if arm in errors}
    drawn = CalibrationData(bins, styles | ({BEFORE: OF_BEFORE} if BEFORE in errors else {}))
    told = listed([f"{arm} {number(100 * errors[arm], 2)}" for arm in drawn.arms])
    known = " Before the growth, examples count whose class could be seen." if BEFORE in errors else ""
    return ReportFigure(
        name="calibration",
        title="How sure, and how often right",
        caption=(
            f"Answers to the test examples in {BINS} bins by the probability that the network gave its answer, over "
            f"all runs of {count(comparison.mean.units, 'configuration')}. Above: how often they were right; on the "
            f"diagonal as often as promised, below it less often. Below: how many answers fall into each bin. Bins "
            f"with fewer than {FEWEST} answers are left out.{known} Expected calibration errors, in percentage points, "
            f"of single networks, means over configurations: {told}."
        ),
        alt=f"Expected calibration errors in percentage points: {told}.",
        **rendered(lambda: draw_calibration(drawn)),
        data=bins,
    )


def draw_calibration(data: CalibrationData) -> Figure:
    """Draw accuracy over confidence, a line per arm, and below it the share of answers in each bin."""
    figure = new_figure(4.6, 5.4)
    figure.set_layout_engine("constrained")
    grid: Any = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    grid[0].plot([0, 100], [0, 100], color=MUTED, lw=0.9)
    for arm, style in data.arms.items():
        part = data.bins[data.bins["arm"] == arm]
        share = 100 * part["answers"] / part["answers"].sum()
        part = part[part["answers"] >= FEWEST]
        _line(grid[0], 100 * part["confidence"], 100 * part["accuracy"], style)
        _line(grid[1], 100 * part["confidence"], share[part.index], style)
    grid[0].set_ylim(-2, 102)
    grid[0].set_ylabel("right (%)")
    grid[1].set_ylim(0, None)
    grid[1].set_ylabel("answers (%)")
    grid[1].set_xlabel("probability of the answer (%)")
    grid[1].set_xlim(-2, 102)
    add_legend(figure, _handles(data.arms))
    return figure


def _line(axes: Axes, across: pd.Series, up: pd.Series, style: ArmStyle) -> None:
    axes.plot(across, up, color=style.color, ls=style.line, lw=1.6, marker=style.marker, ms=4.5, mew=0, zorder=3)


def _handles(arms: Mapping[str, ArmStyle]) -> Sequence[Line2D]:
    return [
        Line2D([], [], color=style.color, ls=style.line, lw=1.6, marker=style.marker, ms=4.5, label=label(arm))
        for arm, style in arms.items()
    ]
