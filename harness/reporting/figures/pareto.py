"""The Pareto front: configurations by the deciding metric and each further objective, seen and on test data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness.reporting.analysis.pareto import Weighed, WeighedObjective, what_is_better, without_split
from harness.reporting.context import ReportContext
from harness.reporting.data.wording import count, listed, number
from harness.reporting.figures._base import ReportFigure, rendered
from harness.reporting.figures._style import INK, MUTED, STYLES, label, new_figure, plain_numbers

__all__ = ["ParetoData", "draw_pareto", "pareto_figure"]

NAMED = 40  # so many points can bear their numbers and be read


@dataclass(frozen=True)
class ParetoData:
    """The rows of `Weighed`, the objective upwards, and those across, each in a panel of its own."""

    rows: pd.DataFrame
    up: WeighedObjective
    across: Sequence[WeighedObjective]


def pareto_figure(context: ReportContext) -> ReportFigure | None:
    """Return the figure, or none for a study with one objective."""
    found = context.weighed
    if found is None or not len(found.rows):
        return None
    deciding, *others = found.objectives
    front = found.rows[found.rows["front"]]
    named = "all points" if len(found.rows) <= NAMED else "those on the front"
    across = listed([one.seen.title if one.is_cost else without_split(one) for one in others])
    return ReportFigure(
        name="pareto",
        title="The best trade-offs",
        caption=(
            f"Each of {count(len(found.rows), 'configuration')} twice, mean over arms and seeds: filled as the "
            f"search saw it, on validation data, and hollow on test data; {named} bear the number of the trial. "
            f"{without_split(deciding).capitalize()} against {across}. {count(len(front), 'configuration')} are "
            f"on the Pareto front of the validation values, drawn dark: {what_is_better(found)}."
        ),
        alt=(
            f"On the front: {listed([_told(found, record) for record in front.head(6).to_dict('records')])}"
            f"{', and others' if len(front) > 6 else ''}."
        ),
        **rendered(lambda: draw_pareto(ParetoData(found.rows, deciding, others))),
        data=found.rows,
    )


def _told(found: Weighed, record: Mapping[Any, Any]) -> str:
    values = [one.seen.amount(record[one.seen.metric]) for one in found.objectives]
    return f"trial {record['trial']} with {' and '.join(values)}"


def draw_pareto(data: ParetoData) -> Figure:
    """Draw a panel per further objective."""
    figure = new_figure(max(6.4, 4.2 * len(data.across)), 4.4)
    figure.set_layout_engine("constrained")
    panels = figure.subplots(1, len(data.across), sharey=True, squeeze=False)[0]
    for axes, across in zip(panels, data.across, strict=True):
        _draw(axes, data, across)
    panels[0].set_ylabel(_axis(data.up))
    plain_numbers(panels[0])
    figure.legend(handles=_handles(line=len(data.across) == 1), loc="outside upper right", ncols=3)
    return figure


def _draw(axes: Axes, data: ParetoData, across: WeighedObjective) -> None:
    up = data.up
    for row in data.rows.sort_values("front").to_dict("records"):
        color, order = (STYLES[1].color, 4) if row["front"] else (MUTED, 3)
        xs = [row[found.metric] * found.factor for found in (across.seen, across.test)]
        ys = [row[found.metric] * found.factor for found in (up.seen, up.test)]
        axes.plot(xs, ys, color=color, lw=0.8, alpha=0.5, zorder=2)
        axes.plot(xs[1], ys[1], "o", mfc="white", mec=color, ms=6.5, mew=1.2, zorder=order)
        axes.plot(xs[0], ys[0], "o", color=color, mec="white", mew=0.6, ms=7.5, zorder=order)
        if row["front"] or len(data.rows) <= NAMED:
            ink = INK if row["front"] else MUTED
            axes.annotate(
                str(row["trial"]), (xs[0], ys[0]), (5, 4), textcoords="offset points", fontsize=8, color=ink, zorder=5
            )
    if len(data.across) == 1:
        front = data.rows[data.rows["front"]].sort_values([across.seen.metric, up.seen.metric])
        # Whatever lies on the worse side of the steps, some configuration on the front is better than.
        steps = "steps-post" if across.direction == "minimize" else "steps-pre"
        axes.plot(
            front[across.seen.metric] * across.seen.factor, front[up.seen.metric] * up.seen.factor,
            color=STYLES[1].color, lw=1.2, ls="--", drawstyle=steps, zorder=1,
        )  # fmt: skip
    axes.set_xlabel(_axis(across))
    axes.xaxis.set_major_formatter(lambda value, _: number(value, 4).rstrip("0").rstrip("."))


def _axis(one: WeighedObjective) -> str:
    title = one.seen.title.removeprefix("validation ")
    unit = f" ({one.seen.level_unit})" if one.seen.level_unit else ""
    return f"{label(title, 44)}{unit}\n{'high' if one.direction == 'maximize' else 'low'} is better"


def _handles(*, line: bool) -> list[Line2D]:
    color = STYLES[1].color
    handles = [
        Line2D([], [], ls="", marker="o", color=color, ms=7.5, label="validation, seen by the search"),
        Line2D([], [], ls="", marker="o", mfc="white", mec=color, ms=6.5, label="test"),
    ]
    return [*handles, Line2D([], [], color=color, ls="--", lw=1.2, label="Pareto front")] if line else handles
