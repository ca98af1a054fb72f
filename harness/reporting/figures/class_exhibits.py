"""The exhibit of single classes: what the growth gave to each, and what it took."""

from collections.abc import Sequence

import pandas as pd

from harness.reporting.analysis.pairing import Comparison
from harness.reporting.data.study_data import RUN
from harness.reporting.data.wording import count, listed, number
from harness.reporting.figures._base import Exhibit, rendered
from harness.reporting.figures.classes import ClassesData, draw_classes

__all__ = ["classes_exhibit"]

RIGHT, ANSWERED = "val/accuracy_of_class/", "val/answered_by/"
MOST_CLASSES = 20


def classes_exhibit(
    curves: pd.DataFrame, comparison: Comparison, _interval: int, arms: Sequence[str]
) -> Exhibit | None:
    """Show each class before the growth and at the end, and how often it is taken for one that came at another time."""
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
    return Exhibit(
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
