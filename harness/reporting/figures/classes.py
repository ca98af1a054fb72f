"""Class by class: how often each was answered rightly before the growth and at the end, and what it lost to others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness.reporting.context import ReportContext
from harness.reporting.data.columns import RUN
from harness.reporting.data.wording import count, listed, number
from harness.reporting.figures._base import ReportFigure, if_compared, rendered
from harness.reporting.figures._style import INK, MUTED, add_legend, arm_handles, arm_styles, label, new_figure

__all__ = ["ClassesData", "classes_figure", "draw_classes"]

RIGHT, ANSWERED = "val/accuracy_of_class/", "val/answered_by/"
MOST_CLASSES = 20
APART = 0.22  # between the arms of one class, in rows


@dataclass(frozen=True)
class ClassesData:
    """What the figure shows, in percent.

    Attributes:
        rows: `name, known, arm, before, end, taken`, one row a class and arm; `known` says whether the class was there
            before the growth, `before` is NaN where it was not.
    """

    rows: pd.DataFrame
    arms: Sequence[str]


@if_compared
def classes_figure(context: ReportContext) -> ReportFigure | None:
    """Show each class before the growth and at the end, and how often it is taken for one that came at another time."""
    curves, comparison, arms = context.curves, context.comparison, context.curve_arms
    right = _ends(curves, RIGHT)
    if not len(right):
        return None
    known = set(right.loc[right["grew"] & right["before"].notna(), "name"])
    right = right.merge(_taken(curves, known), on=[*RUN, "name"], how="left")
    by_trial = right.groupby(["name", "arm", "trial"])[["before", "end", "taken"]].mean()
    means = 100 * by_trial.groupby(["name", "arm"]).mean()
    rows = means.reset_index().assign(known=lambda frame: frame["name"].isin(known))
    rows = rows[rows["name"].isin(_most_telling(rows, arms))].reset_index(drop=True)
    drawn = ClassesData(rows, [arm for arm in arms if arm in set(rows["arm"])])
    shown, every = rows["name"].nunique(), means.index.get_level_values("name").nunique()
    some = f" The {shown} of {every} classes in which the arms differ most." if shown < every else ""
    changes = (rows["end"] - rows["before"]).groupby(rows["arm"]).mean()
    told = listed([f"{arm} {number(changes[arm], 1)}" for arm in drawn.arms])
    return ReportFigure(
        name="classes",
        title="Class by class",
        caption=(
            f"Validation, means over {count(comparison.mean.units, 'configuration')} after means over seeds. Left: how "
            f"often examples of a class were answered rightly before the growth (circles) and at the end. Right: how "
            f"often, at the end, they were taken for a class that came at another time. Classes above the line were "
            f"known before the growth.{some}"
        ),
        alt=f"Mean change of the known classes in percentage points: {told}.",
        **rendered(lambda: draw_classes(drawn)),
        data=rows,
    )


def _ends(curves: pd.DataFrame, prefix: str) -> pd.DataFrame:
    """Return `trial, arm, seed, name, grew, before, end` of the series below `prefix`, one row a run and series."""
    series = curves[curves["name"].astype(str).str.startswith(prefix)]
    series = series.assign(name=series["name"].astype(str).str.removeprefix(prefix), arm=series["arm"].astype(str))
    keys = [*RUN, "name", "grew"]
    before = series[~series["grown"]].groupby(keys)["value"].last().rename("before")
    end = series[series["grown"]].groupby(keys)["value"].last().rename("end")
    return pd.concat([before, end], axis=1).dropna(subset="end").reset_index()


def _taken(curves: pd.DataFrame, known: set[str]) -> pd.DataFrame:
    """Return `trial, arm, seed, name, taken`: the share of a class's examples that went to the other arrivals."""
    answered = _ends(curves, ANSWERED)
    parts = answered["name"].str.partition(".")
    answered = answered.assign(name=parts[2], first=parts[0] == "0")
    # A class that was known belongs to arrival 0, and what any later one takes of it is lost; for others, the reverse.
    lost = answered[answered["first"] != answered["name"].isin(known)]
    return lost.groupby([*RUN, "name"])["end"].sum().rename("taken").reset_index()


def _most_telling(rows: pd.DataFrame, arms: Sequence[str]) -> set[str]:
    wide = rows[rows["arm"].isin(arms[:2])].pivot_table(index="name", columns="arm", values="end")
    apart = (wide.max(axis=1) - wide.min(axis=1)).sort_values(ascending=False, kind="stable")
    return set(apart.index[:MOST_CLASSES])


def draw_classes(data: ClassesData) -> Figure:
    """Draw a row per class, known ones above; left how well it was answered, right what other classes took."""
    order = data.rows.sort_values("known", ascending=False, kind="stable")["name"].unique()
    figure = new_figure(6.8, 1.3 + 0.16 * len(order) * max(len(data.arms), 2))
    figure.set_layout_engine("constrained")
    grid: Any = figure.subplots(1, 2, sharey=True)
    places = {name: place for place, name in enumerate(order)}
    for index, (arm, style) in enumerate(arm_styles(data.arms).items()):
        part = data.rows[data.rows["arm"] == arm]
        at = part["name"].map(places) + APART * (index - (len(data.arms) - 1) / 2)
        for low, high, place in zip(part["before"], part["end"], at, strict=True):
            grid[0].plot([low, high], [place, place], color=style.color, lw=1.1, zorder=2)
        grid[0].plot(part["before"], at, "o", color="white", mec=MUTED, ms=4.5, mew=1.0, zorder=3)
        grid[0].plot(part["end"], at, style.marker, color=style.color, ms=5, mew=0, zorder=4)
        grid[1].plot(part["taken"], at, style.marker, color=style.color, ms=5, mew=0, zorder=4)
    grid[0].set_yticks(range(len(order)), [label(str(name)) for name in order])
    grid[0].set_ylim(len(order) - 0.5, -0.5)
    amount = int(data.rows.drop_duplicates("name")["known"].sum())
    for axes, title in zip(grid, ("answered rightly (%)", "taken for a class of another arrival (%)"), strict=True):
        axes.set_xlabel(title)
        if 0 < amount < len(order):
            axes.axhline(amount - 0.5, color=INK, lw=0.9)
    grid[0].set_ylabel("class")
    before = Line2D([], [], color="white", marker="o", mec=MUTED, ls="", label="before the growth")
    add_legend(figure, [*arm_handles(data.arms, lines=False), before])
    return figure
