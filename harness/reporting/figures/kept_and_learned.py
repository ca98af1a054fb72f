"""What was learned against what was lost."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from harness.reporting.analysis.pairing import completed_pairs
from harness.reporting.context import ReportContext
from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import count
from harness.reporting.figures._base import ReportFigure, if_compared, rendered
from harness.reporting.figures._style import MUTED, STYLES, add_legend, arm_handles, label, new_figure

__all__ = ["TradeoffData", "draw_tradeoff", "kept_and_learned_figure"]

COLUMNS = ("x_first", "y_first", "x_second", "y_second")


@dataclass(frozen=True)
class TradeoffData:
    """One row a configuration: `x_first, y_first, x_second, y_second`; `means` holds the same, once."""

    rows: pd.DataFrame
    means: pd.Series
    x: Measure
    y: Measure
    arms: Sequence[str]


@if_compared
def kept_and_learned_figure(context: ReportContext) -> ReportFigure | None:
    """Show accuracy on the late classes against forgetting of the known ones."""
    data, comparison = context.data, context.comparison
    late = _late_metric(data)
    if late is None:
        return None
    names = {"x": "test/forgetting", "y": late}
    parts = [
        completed_pairs(data.runs, comparison.first, comparison.second, metric)
        .groupby("trial")[["first", "second"]]
        .mean()
        .add_prefix(f"{axis}_")
        for axis, metric in names.items()
    ]
    rows = parts[0].join(parts[1], how="inner").reset_index()
    if not len(rows):
        return None
    x, y = data.measure(names["x"]), data.measure(names["y"])
    drawn = TradeoffData(rows, rows.drop(columns="trial").mean(), x, y, (comparison.first, comparison.second))
    return ReportFigure(
        name="kept_and_learned",
        title="What was kept, and what was learned",
        caption=(
            f"Each small point is one configuration under one arm, mean over seeds; a line joins the two arms of a "
            f"configuration. Large points are the means over {count(len(rows), 'configuration')}. Up and to the left "
            f"is better."
        ),
        alt=(
            f"{y.title.capitalize()} against {x.title}: {comparison.first} at {y.amount(drawn.means['y_first'])} and "
            f"{x.amount(drawn.means['x_first'])}, {comparison.second} at {y.amount(drawn.means['y_second'])} and "
            f"{x.amount(drawn.means['x_second'])}."
        ),
        **rendered(lambda: draw_tradeoff(drawn)),
        data=rows,
    )


def _late_metric(data: StudyData) -> str | None:
    """Return the accuracy on the classes that came late: the one head besides the known one, if there is just one."""
    heads = {name for name in data.metrics if name.startswith("test/accuracy/")}
    late = sorted(heads - {"test/accuracy/all", "test/accuracy/known"})
    return "test/accuracy/late" if "test/accuracy/late" in late else late[0] if len(late) == 1 else None


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
