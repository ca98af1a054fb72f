"""Loss components by step since the growth: one column a component, one row a split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.reporting.context import ReportContext
from harness.reporting.data.alignment import aligned, arm_means, series_names, some_lines, without_repeats
from harness.reporting.data.wording import listed
from harness.reporting.figures._base import ReportFigure, if_compared, rendered
from harness.reporting.figures._captions import of_how_many
from harness.reporting.figures._long_form import long_form
from harness.reporting.figures._style import (
    MUTED,
    add_legend,
    arm_handles,
    arm_styles,
    growth_handle,
    label,
    log_if_wide,
    mark_growth,
    new_figure,
    plain_numbers,
)

__all__ = ["LossPanel", "draw_losses", "loss_components_figure"]

MOST_CURVES, MOST_LOSSES = 3, 4
SPLITS = {"train": "training", "val": "validation"}


@dataclass(frozen=True)
class LossPanel:
    """One series: `lines` has `trial, arm, grown, offset, value`; `means` has one line an arm."""

    lines: pd.DataFrame
    means: pd.DataFrame


@if_compared
def loss_components_figure(context: ReportContext) -> ReportFigure | None:
    """Show every component of the loss around the growth."""
    curves, comparison, interval, arms = context.curves, context.comparison, context.interval, context.curve_arms
    every = [series_names(curves, f"{split}/loss/", "total") for split in ("train", "val")]
    names = [name for found in every for name in without_repeats(curves, found)]
    panels = {}
    for name in names:
        split, _, component = name.split("/", 2)
        points = aligned(curves, name, interval)
        panels[split, component] = LossPanel(some_lines(points), arm_means(points))
    shown = list(dict.fromkeys(component for _, component in panels))[-MOST_LOSSES:]
    panels = {key: panel for key, panel in panels.items() if key[1] in shown}
    if not panels:
        return None
    drawn = {"/loss/".join(key): (panel.lines, panel.means, pd.DataFrame()) for key, panel in panels.items()}
    return ReportFigure(
        name="loss_components",
        title="Loss components around the growth",
        caption=(
            f"Every named component of the loss, before its weight, and, of several, the total that was trained on. "
            f"Training values are means over the updates since the evaluation before. Thick lines are means over "
            f"configurations, thin lines single configurations{of_how_many(comparison)}."
        ),
        alt=f"Loss components of {listed(arms)} before and after the growth.",
        **rendered(lambda: draw_losses(panels, arms)),
        data=long_form(drawn),
    )


def draw_losses(panels: Mapping[tuple[str, str], LossPanel], arms: Sequence[str]) -> Figure:
    """Draw the panels, which are named by split (`train`, `val`) and component, in that order."""
    splits = [split for split in SPLITS if any(split == known for known, _ in panels)]
    components = list(dict.fromkeys(component for _, component in panels))
    figure = new_figure(0.8 + 2.9 * max(len(components), 2), 0.8 + 2.3 * len(splits))
    figure.set_layout_engine("constrained")
    grid: Any = figure.subplots(len(splits), len(components), sharex=True, squeeze=False)
    for down, split in enumerate(splits):
        grid[down, 0].set_ylabel(f"{SPLITS[split]} loss (no unit)")
        for across, component in enumerate(components):
            axes = grid[down, across]
            if (split, component) in panels:
                _panel(axes, panels[split, component], arms)
            else:
                axes.text(0.5, 0.5, "not recorded", transform=axes.transAxes, ha="center", va="center", color=MUTED)
                axes.set_yticks([])
    for across, component in enumerate(components):
        grid[0, across].set_title(label(component, 30))
        grid[-1, across].set_xlabel("optimizer updates since the growth")
    handles = [*arm_handles(arms), growth_handle()]
    add_legend(figure, handles)
    return figure


def _panel(axes: Axes, panel: LossPanel, arms: Sequence[str]) -> None:
    mark_growth(axes)
    for arm, style in arm_styles(arms).items():
        for _, line in panel.lines[panel.lines["arm"] == arm].groupby(["trial", "grown"]):
            axes.plot(line["offset"], line["value"], color=style.color, lw=0.6, alpha=0.2)
        for _, mean in panel.means[panel.means["arm"] == arm].groupby("grown"):
            axes.plot(mean["offset"], mean["value"], color=style.color, ls=style.line, lw=2, zorder=4)
    log_if_wide(axes, panel.means["value"])
    plain_numbers(axes)
