"""Which searched fields matter: bars with intervals, and the bar that noise alone would reach."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from harness.reporting.context import ReportContext
from harness.reporting.data.wording import count, listed, number
from harness.reporting.figures._base import ReportFigure, if_compared, rendered
from harness.reporting.figures._style import BAND, INK, MUTED, STYLES, label, new_figure, text_width

__all__ = ["ImportanceData", "draw_importance", "importance_figure"]


@dataclass(frozen=True)
class ImportanceData:
    """What the figure shows: `fields` has `name, share, low, high`, all shares in `[0, 1]`; `null` is one, too."""

    fields: pd.DataFrame
    null: float


@if_compared
def importance_figure(context: ReportContext) -> ReportFigure | None:
    """Show how much of what varies in the paired difference each searched field accounts for."""
    driving = context.drivers
    found = next((driver.variance for driver in driving if driver.target == "difference"), None)
    if found is None:
        return None
    rows = pd.DataFrame(
        [{"name": field.name, "share": field.size, "low": field.low, "high": field.high} for field in found.fields]
    )
    drawn = ImportanceData(rows, found.null)
    named = f"Above it: {listed(found.named)}." if found.named else "No field stands above it."
    shares = [f"{row['name']} {number(100 * row['share'], 0)} %" for row in rows.to_dict("records")]
    return ReportFigure(
        name="importance",
        title="What the difference depends on",
        caption=(
            f"For each searched field, its main effect's share of what varies in the paired difference between "
            f"{count(found.configurations, 'configuration')} (functional ANOVA of a random forest). Black lines are "
            f"the middle 95 % when configurations are drawn again. Dotted: what the most important field reaches in at "
            f"most 5 % of cases where none matters, by shuffling. {named} Hatched: below it. What is missing to 100 % "
            f"is interplay and noise. A description, not a test."
        ),
        alt=f"Shares: {listed(shares)}; noise would reach {number(100 * found.null, 0)} %.",
        **rendered(lambda: draw_importance(drawn)),
        data=rows.assign(null=found.null),
    )


def draw_importance(data: ImportanceData) -> Figure:
    """Draw a bar per field, hatched where it stays below the null bar."""
    names = [label(name) for name in data.fields["name"]]
    figure = new_figure(4.6 + text_width(names, 9), 1.15 + 0.36 * len(names))
    figure.set_layout_engine("constrained")
    axes = figure.subplots()
    axes.axvspan(0, 100 * data.null, color=BAND, lw=0, zorder=0)
    axes.axvline(100 * data.null, color=INK, lw=1.1, ls=(0, (1, 1.5)), zorder=4)
    for place, field in enumerate(data.fields.to_dict("records")):
        above = field["share"] > data.null
        look: dict[str, Any] = (
            {"color": STYLES[0].color} if above else {"facecolor": "white", "edgecolor": MUTED, "hatch": "////"}
        )
        axes.barh(place, 100 * field["share"], height=0.6, lw=0.8, zorder=2, **look)
        axes.plot([100 * field["low"], 100 * field["high"]], [place, place], color="black", lw=1.6, zorder=3)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.grid(visible=False, axis="y")
    axes.set_xlim(left=0)
    axes.set_xlabel("share of what varies (%)")
    axes.annotate(
        "what noise would reach", (100 * data.null, 1), (0, 4), xycoords=("data", "axes fraction"),
        textcoords="offset points", fontsize=7.5, color=MUTED, ha="center",
    )  # fmt: skip
    return figure
