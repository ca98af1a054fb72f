"""Every configuration under one arm and the other, as lines between the two."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from harness.reporting.context import ReportContext
from harness.reporting.data.measures import Measure
from harness.reporting.data.wording import count, number
from harness.reporting.figures._base import ReportFigure, if_compared, rendered
from harness.reporting.figures._style import MUTED, STYLES, label, new_figure, plain_numbers

__all__ = ["SlopeData", "draw_slopes", "pairs_figure"]

CROWD = 60  # from here on, lines are drawn fainter


@dataclass(frozen=True)
class SlopeData:
    """One row a configuration: `second` is drawn at the left, under the first name in `arms`, `first` at the right."""

    rows: pd.DataFrame
    arms: tuple[str, str]
    measure: Measure


@if_compared
def pairs_figure(context: ReportContext) -> ReportFigure | None:
    """Show every configuration under one arm and the other."""
    comparison, measure = context.comparison, context.measure
    rows = comparison.configurations[["trial", "first", "second"]]
    related = rows["first"].corr(rows["second"]) if len(rows) > 2 else np.nan
    correlation = ""
    if np.isfinite(related):
        kept = (rows["first"] - rows["second"]).var() / (rows["first"].var() + rows["second"].var())
        correlation = (
            f" Their correlation over configurations is {number(related, 2)}: pairing leaves {number(100 * kept, 0)} % "
            "of the variance that the difference of two independent samples would have."
        )
    drawn = SlopeData(rows, (comparison.second, comparison.first), measure)
    rising = int((rows["first"] > rows["second"]).sum())
    return ReportFigure(
        name="pairs",
        title="From one arm to the other",
        caption=(
            f"Each line is one of {count(len(rows), 'configuration')}, mean over seeds: {measure.title} under "
            f"{comparison.second} and under {comparison.first}. Large points are the means.{correlation}"
        ),
        alt=(
            f"{rising} of {len(rows)} lines rise from {comparison.second} (mean "
            f"{measure.level(rows['second'].mean())}) to {comparison.first} (mean "
            f"{measure.level(rows['first'].mean())})."
        ),
        **rendered(lambda: draw_slopes(drawn)),
        data=rows,
    )


def draw_slopes(data: SlopeData) -> Figure:
    """Draw a line per configuration, in the color of the arm that is higher, and the means."""
    figure = new_figure(4.8, 4.6)
    figure.set_layout_engine("constrained")
    axes = figure.subplots()
    values = data.rows[["second", "first"]].to_numpy(dtype=float) * data.measure.factor
    faint = 0.7 if len(values) <= CROWD else 0.15
    for left, right in values:
        style = STYLES[0] if right > left else STYLES[1]
        axes.plot([0, 1], [left, right], color=style.color, ls=style.line, lw=1.0, alpha=faint)
    for place, style in ((0, STYLES[1]), (1, STYLES[0])):
        axes.plot([place] * len(values), values[:, place], style.marker, color=style.color, ms=4, alpha=faint, mew=0)
        mean = values[:, place].mean()
        axes.plot(place, mean, style.marker, color=style.color, ms=12, mec="black", mew=1.6, zorder=5)
    axes.plot([0, 1], values.mean(axis=0), color=MUTED, lw=2.2, zorder=4)
    axes.set_xlim(-0.25, 1.25)
    axes.set_xticks([0, 1], [label(arm) for arm in data.arms])
    axes.grid(visible=False, axis="x")
    unit = f" ({data.measure.level_unit})" if data.measure.level_unit else ""
    axes.set_ylabel(label(data.measure.title, 60) + unit)
    plain_numbers(axes)
    return figure
