"""Which searched fields matter: bars with intervals, and the bar that noise alone would reach."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from harness.reporting.figures._style import BAND, INK, MUTED, STYLES, label, new_figure, text_width

__all__ = ["ImportanceData", "draw_importance"]


@dataclass(frozen=True)
class ImportanceData:
    """What the figure shows: `fields` has `name, share, low, high`, all shares in `[0, 1]`; `null` is one, too."""

    fields: pd.DataFrame
    null: float


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
