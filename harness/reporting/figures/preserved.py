"""What the growths themselves changed: old outputs, and losses on known classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from harness.reporting.context import ReportContext
from harness.reporting.data.columns import PARAM
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import count, number, setting, signed
from harness.reporting.figures._base import ReportFigure, if_compared, rendered
from harness.reporting.figures._style import INK, MUTED, STYLES, label, new_figure, text_width

__all__ = ["PreservedData", "draw_preserved", "preserved_figure"]

LOGITS, BEFORE, AFTER = (f"growth/{name}" for name in ("logit_change", "known_loss_before", "known_loss_after"))
MOST_BEGINNINGS = 12
TURN = 0.6180339887498949  # the golden ratio: points that follow one another never lie side by side


@dataclass(frozen=True)
class PreservedData:
    """What the figure shows: `rows` has `begins` and one column for each of `columns`, which maps names to titles."""

    rows: pd.DataFrame
    begins: Sequence[str]
    columns: dict[str, str]


@if_compared
def preserved_figure(context: ReportContext) -> ReportFigure | None:
    """Show by how much growths changed old outputs and losses, by how new parameters began."""
    data = context.data
    found = data.curves[data.curves["name"].isin([LOGITS, BEFORE, AFTER])]
    # Arms share a growth up to how it goes on, so that it counts once.
    wide = found.astype({"name": "str"}).drop_duplicates(["trial", "seed", "step", "name"])
    wide = wide.pivot_table(index=["trial", "seed", "step"], columns="name", values="value").dropna().reset_index()
    if not {LOGITS, BEFORE, AFTER} <= set(wide.columns) or not len(wide):
        return None
    field = _beginning(data)
    params = data.runs.drop_duplicates("trial").set_index("trial")
    begins = wide["trial"].map(params[PARAM + field].map(setting)) if field else "every growth"
    columns = {"logits": "largest change of an old output", "loss": "change of the loss on known classes"}
    rows = wide[["trial", "seed", "step"]].assign(begins=begins, logits=wide[LOGITS], loss=wide[AFTER] - wide[BEFORE])
    order = list(dict.fromkeys(rows.sort_values("begins")["begins"]))[:MOST_BEGINNINGS]
    rows = rows[rows["begins"].isin(order)].reset_index(drop=True)
    kept = int((rows["logits"] == 0).sum())
    return ReportFigure(
        name="preserved",
        title="What the growth itself changed",
        caption=(
            f"Each point is one growth, before any further update, on a fixed batch of known classes; bars are "
            f"medians{f', by {field}' if field else ''}. {kept:,} of {count(len(rows), 'growth')} left every old "
            f"output as it was, to the bit. The loss can change all the same, for new outputs compete with old ones."
        ),
        alt=(
            f"Largest change of an old output: {number(float(rows['logits'].max()), 4)}; change of the loss: from "
            f"{signed(float(rows['loss'].min()), 3)} to {signed(float(rows['loss'].max()), 3)}."
        ),
        **rendered(lambda: draw_preserved(PreservedData(rows, order, columns))),
        data=rows,
    )


def _beginning(data: StudyData) -> str:
    """Return the searched field that says with which values new parameters begin, or nothing."""
    fields = {label: dimension.field for label, dimension in data.study.spec.space.items()}
    chosen = [label for label, field in fields.items() if field.rpartition(".")[2] in ("init", "method", "function")]
    return chosen[0] if chosen else ""


def draw_preserved(data: PreservedData) -> Figure:
    """Draw a point per growth, and a bar at each group's median."""
    names = [label(name, 18) for name in data.begins]
    figure = new_figure(6.8 + text_width(names, 8.5) / 2, 1.0 + 0.42 * max(len(names), 2))
    figure.set_layout_engine("constrained")
    grid: Any = figure.subplots(1, len(data.columns), sharey=True, squeeze=False)[0]
    for axes, (column, title) in zip(grid, data.columns.items(), strict=True):
        axes.axvline(0, color=MUTED, lw=0.9)
        for place, begin in enumerate(data.begins):
            values = data.rows.loc[data.rows["begins"] == begin, column].to_numpy(np.float64)
            heights = place + 0.24 * (2 * ((np.arange(len(values)) * TURN) % 1) - 1)
            axes.plot(values, heights, "o", color=STYLES[1].color, ms=4, alpha=0.5, mew=0)
            axes.plot([np.median(values)] * 2, [place - 0.33, place + 0.33], color=INK, lw=2.2, zorder=4)
        axes.set_xlabel(title)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        axes.locator_params(axis="x", nbins=5)
    grid[0].set_yticks(range(len(names)), names)
    return figure
