"""Learning curves aligned at the growth, and their paired difference below."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.reporting.analysis.pairing import Comparison
from harness.reporting.context import ReportContext
from harness.reporting.data.alignment import (
    aligned,
    arm_means,
    paired_difference,
    series_names,
    some_lines,
    without_repeats,
)
from harness.reporting.data.measures import Measure
from harness.reporting.data.wording import in_unit, listed, listed_in_part
from harness.reporting.figures._base import ReportFigure, if_compared, rendered
from harness.reporting.figures._captions import of_controls, of_how_many
from harness.reporting.figures._long_form import long_form
from harness.reporting.figures._style import (
    INK,
    MUTED,
    add_legend,
    arm_handles,
    arm_styles,
    growth_handle,
    label,
    mark_growth,
    new_figure,
)

__all__ = ["CurvePanel", "draw_curves", "learning_curves_figure"]

MOST_CURVES, MOST_LOSSES = 3, 4


@dataclass(frozen=True)
class CurvePanel:
    """One column: a series per arm, and its paired difference, in stored units.

    Attributes:
        lines: `trial, arm, grown, offset, value`: one line a configuration.
        means: `arm, grown, offset, value`.
        difference: `grown, offset, value, low, high`.
    """

    title: str
    measure: Measure
    lines: pd.DataFrame
    means: pd.DataFrame
    difference: pd.DataFrame


@if_compared
def learning_curves_figure(context: ReportContext) -> ReportFigure | None:
    """Show the validation metrics that tell most around the growth, with their paired differences."""
    data, curves, comparison, interval, arms = (
        context.data,
        context.curves,
        context.comparison,
        context.interval,
        context.curve_arms,
    )
    own = list(data.study.spec.metrics)
    panels = []
    for name in _most_telling(curves, comparison, own)[:MOST_CURVES]:
        points = aligned(curves, name, interval)
        difference = paired_difference(points, comparison.first, comparison.second)
        measure, title = data.measure(name), _title_beside_others if own else _panel_title
        panels.append(CurvePanel(title(measure), measure, some_lines(points), arm_means(points), difference))
    if not panels:
        return None
    titles = listed([panel.title for panel in panels])
    return ReportFigure(
        name="learning_curves",
        title="Learning curves around the growth",
        caption=(
            f"{_what(panels)} ({titles}) by optimizer updates since the growth. Thick lines are means over "
            f"configurations, as far as all of them have been measured; thin lines are single configurations, means "
            f"over seeds{of_how_many(comparison)}. Below: the mean paired difference with its 95 % band over "
            f"configurations, which holds the whole curve of a panel at once.{of_controls(context, curves)}"
        ),
        alt=f"{_what(panels)} of {listed_in_part(arms)} before and after the growth: {titles}.",
        **rendered(lambda: draw_curves(panels, arms)),
        data=long_form({panel.measure.metric: (panel.lines, panel.means, panel.difference) for panel in panels}),
    )


def _most_telling(curves: pd.DataFrame, comparison: Comparison, own: Sequence[str]) -> list[str]:
    """Return the metric that decides, then accuracies (over all classes first), then errors.

    The first series of each metric that the study names itself, `own`, comes after the first accuracy.
    """
    found = [name for kind in own for name in series_names(curves, f"val/{kind}/", "")[:1]]
    found += [name for kind in ("accuracy", "rmse") for name in series_names(curves, f"val/{kind}/", "")]
    first = (f"val/{comparison.metric.partition('/')[2]}", "val/accuracy/all")
    known = set(curves["name"].unique())
    return without_repeats(curves, list(dict.fromkeys([*(name for name in first if name in known), *found])))


def _what(panels: Sequence[CurvePanel]) -> str:
    accuracies = all(panel.measure.metric.startswith("val/accuracy/") for panel in panels)
    return "Validation accuracy" if accuracies else "Validation metrics"


def _panel_title(measure: Measure) -> str:
    kind, part = measure.metric.removeprefix("val/").split("/", 1)
    if kind == "accuracy":
        return "all classes" if part == "all" else f"{part} classes"
    return measure.title.removeprefix("validation ")


def _title_beside_others(measure: Measure) -> str:
    """Return the title of a panel beside others of other units."""
    whole = measure.title.removeprefix("validation ").replace(" over all classes", "")
    return whole + in_unit(measure.level_unit)


def draw_curves(panels: Sequence[CurvePanel], arms: Sequence[str]) -> Figure:
    """Draw one column per panel; the curves above, the paired difference of the first two arms below."""
    figure = new_figure(1.2 + 3.0 * len(panels), 5.6)
    figure.set_layout_engine("constrained")
    grid: Any = figure.subplots(2, len(panels), sharex=True, squeeze=False, gridspec_kw={"height_ratios": [1.45, 1]})
    alike = all(panel.measure.metric.startswith("val/accuracy") for panel in panels)
    for axes in grid[0, 1:] if alike else ():
        axes.sharey(grid[0, 0])
    for column, panel in enumerate(panels):
        _levels(grid[0, column], panel, arms)
        _difference(grid[1, column], panel)
        grid[0, column].set_title(label(panel.title, 34))
        grid[1, column].set_xlabel("optimizer updates since the growth")
    unit = panels[0].measure.unit if alike else ""
    grid[0, 0].set_ylabel("validation accuracy (%)" if alike else "on validation")
    grid[1, 0].set_ylabel(f"{label(arms[0], 14)} minus {label(arms[1], 14)}\n{in_unit(unit).strip()}".strip())
    handles = [*arm_handles(arms), growth_handle()]
    add_legend(figure, handles)
    return figure


def _levels(axes: Axes, panel: CurvePanel, arms: Sequence[str]) -> None:
    mark_growth(axes)
    for arm, style in arm_styles(arms).items():
        for _, line in panel.lines[panel.lines["arm"] == arm].groupby(["trial", "grown"]):
            axes.plot(line["offset"], line["value"] * panel.measure.factor, color=style.color, lw=0.7, alpha=0.22)
        for _, mean in panel.means[panel.means["arm"] == arm].groupby("grown"):
            axes.plot(
                mean["offset"], mean["value"] * panel.measure.factor, color=style.color, ls=style.line, lw=2.2, zorder=4
            )


def _difference(axes: Axes, panel: CurvePanel) -> None:
    mark_growth(axes)
    axes.axhline(0, color=MUTED, lw=0.9)
    factor = panel.measure.factor
    for _, part in panel.difference.groupby("grown"):
        axes.fill_between(part["offset"], part["low"] * factor, part["high"] * factor, color=INK, alpha=0.18, lw=0)
        axes.plot(part["offset"], part["value"] * factor, color=INK, lw=1.8)
