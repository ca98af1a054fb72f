"""The difference seed by seed: whether the answer hangs on which seeds were used."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from harness.reporting.context import ReportContext
from harness.reporting.data.measures import Measure
from harness.reporting.data.wording import count, in_unit
from harness.reporting.figures._base import ReportFigure, if_compared, rendered
from harness.reporting.figures._style import INK, MUTED, STYLES, label, new_figure

__all__ = ["SeedData", "by_seed_figure", "draw_seeds"]

MOST_SEEDS = 20
APART = 0.3  # how far points of a row are spread, in rows
TURN = 0.6180339887498949  # the golden ratio: points that follow one another never lie side by side


@dataclass(frozen=True)
class SeedData:
    """What the figure shows, in stored units.

    Attributes:
        pairs: `trial, seed, difference`, one row a pair of runs.
        means: by seed, the mean over configurations.
        whole: the mean of the primary comparison.
    """

    pairs: pd.DataFrame
    means: pd.Series
    whole: float
    measure: Measure


@if_compared
def by_seed_figure(context: ReportContext) -> ReportFigure | None:
    """Show the paired differences of every seed, where all configurations used the same two seeds or more."""
    comparison, measure = context.comparison, context.measure
    pairs = comparison.pairs[["trial", "seed", "difference"]]
    means = pairs.groupby("seed")["difference"].mean()
    crossed = len(pairs) == len(means) * comparison.mean.units and comparison.mean.units > 1
    if not crossed or not 1 < len(means) <= MOST_SEEDS:
        return None
    lowest, highest = measure.difference(means.min()), measure.difference(means.max())
    unit = f" {measure.unit}" if measure.unit else ""
    return ReportFigure(
        name="by_seed",
        title="The difference, seed by seed",
        caption=(
            f"Each small point is a pair of runs: {measure.title} under {comparison.first} minus {comparison.second}, "
            f"of one of {count(comparison.mean.units, comparison.unit)} with one seed. Large points are the means of "
            f"{count(len(means), 'seed')}, from {lowest} to {highest}{unit}; the line is their mean, which the verdict "
            f"rests on. The interval of the verdict takes these seeds as drawn: what all configurations of a seed have "
            f"in common makes it wider."
        ),
        alt=f"Means of {count(len(means), 'seed')} from {lowest} to {highest}{unit}.",
        **rendered(lambda: draw_seeds(SeedData(pairs, means, comparison.mean.mean, measure))),
        data=pairs.sort_values(["seed", "trial"], ignore_index=True),
    )


def draw_seeds(data: SeedData) -> Figure:
    """Draw a row per seed: a point for each configuration, and the seed's mean as a large one."""
    figure = new_figure(6.4, 1.1 + 0.42 * len(data.means))
    figure.set_layout_engine("constrained")
    axes = figure.subplots()
    factor, style = data.measure.factor, STYLES[1]
    for row, (seed, mean) in enumerate(data.means.items()):
        values = data.pairs.loc[data.pairs["seed"] == seed, "difference"].to_numpy(np.float64) * factor
        heights = row + APART * (2 * ((np.arange(len(values)) * TURN) % 1) - 1)
        axes.plot(values, heights, style.marker, color=style.color, ms=4, alpha=0.4, mew=0)
        axes.plot(float(mean) * factor, row, style.marker, color=style.color, ms=10, mec="black", zorder=5)
    axes.axvline(0, color=MUTED, lw=0.9, zorder=1)
    axes.axvline(data.whole * factor, color=INK, lw=1.1, zorder=2)
    axes.set_yticks(range(len(data.means)), [f"seed {seed}" for seed in data.means.index])
    axes.set_ylim(len(data.means) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"difference in {label(data.measure.title, 46)}{in_unit(data.measure.unit)}")
    return figure
