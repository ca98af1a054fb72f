"""Exhibits of what happened over time."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from harness.reporting.alignment import (
    MOST_LINES,
    aligned,
    arm_means,
    paired_difference,
    series_names,
    some_lines,
)
from harness.reporting.exhibit import Exhibit, rendered
from harness.reporting.figures.course import CourseData, draw_course
from harness.reporting.figures.curves import CurvePanel, draw_curves
from harness.reporting.figures.losses import LossPanel, draw_losses
from harness.reporting.measures import measure_of
from harness.reporting.pairing import Comparison
from harness.reporting.study_data import StudyData
from harness.reporting.wording import count, listed

__all__ = ["forgetting_exhibit", "learning_exhibit", "losses_exhibit", "training_exhibit"]

MOST_CURVES, MOST_LOSSES = 3, 4
BEFORE, AFTER = 3, 20  # evaluations around the growth that the stability gap is looked for in


def learning_exhibit(curves: pd.DataFrame, comparison: Comparison, interval: int) -> Exhibit | None:
    """Show the validation metrics that tell most around the growth, with their paired differences."""
    panels = []
    for name in _most_telling(curves, comparison)[:MOST_CURVES]:
        points = aligned(curves, name, interval)
        difference = paired_difference(points, comparison.first, comparison.second)
        panels.append(
            CurvePanel(_panel_title(name), measure_of(name), some_lines(points), arm_means(points), difference)
        )
    if not panels:
        return None
    titles = listed([panel.title for panel in panels])
    return Exhibit(
        name="learning_curves",
        title="Learning curves around the growth",
        caption=(
            f"{_what(panels)} ({titles}) by optimizer updates since the growth. Thick lines are means over "
            f"configurations, as far as all of them have been measured; thin lines are single configurations, means "
            f"over seeds{_of_how_many(comparison)}. Below: the mean paired difference with its 95 % band over "
            f"configurations, which holds the whole curve of a panel at once. Before the growth both arms are the same "
            f"runs."
        ),
        alt=f"{_what(panels)} of {comparison.first} and {comparison.second} before and after the growth: {titles}.",
        **rendered(lambda: draw_curves(panels, comparison.first, comparison.second)),
        data=_long({panel.measure.metric: (panel.lines, panel.means, panel.difference) for panel in panels}),
    )


def _most_telling(curves: pd.DataFrame, comparison: Comparison) -> list[str]:
    """Return the metric that decides, then accuracies (over all classes first), then errors."""
    found = [name for kind in ("accuracy", "rmse") for name in series_names(curves, f"val/{kind}/", "")]
    first = (f"val/{comparison.metric.partition('/')[2]}", "val/accuracy/all")
    known = set(curves["name"].unique())
    return list(dict.fromkeys([*(name for name in first if name in known), *found]))


def _what(panels: Sequence[CurvePanel]) -> str:
    accuracies = all(panel.measure.metric.startswith("val/accuracy/") for panel in panels)
    return "Validation accuracy" if accuracies else "Validation metrics"


def _panel_title(name: str) -> str:
    kind, part = name.removeprefix("val/").split("/", 1)
    if kind == "accuracy":
        return "all classes" if part == "all" else f"{part} classes"
    return measure_of(name).title.removeprefix("validation ")


def _of_how_many(comparison: Comparison) -> str:
    units = comparison.mean.units
    return f" ({MOST_LINES} of {units:,}, evenly by number)" if units > MOST_LINES else ""


def losses_exhibit(curves: pd.DataFrame, comparison: Comparison, interval: int) -> Exhibit | None:
    """Show every component of the loss around the growth."""
    names = [name for split in ("train", "val") for name in series_names(curves, f"{split}/loss/", "total")]
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
    return Exhibit(
        name="loss_components",
        title="Loss components around the growth",
        caption=(
            f"Every named component of the loss, before its weight, and the total that was trained on. Training values "
            f"are means over the updates since the evaluation before. Thick lines are means over configurations, thin "
            f"lines single configurations{_of_how_many(comparison)}."
        ),
        alt=f"Loss components of {comparison.first} and {comparison.second} before and after the growth.",
        **rendered(lambda: draw_losses(panels, comparison.first, comparison.second)),
        data=_long(drawn),
    )


def _long(series: dict[str, tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]]) -> pd.DataFrame:
    """Return everything drawn as one frame: what a line shows is in `shown`, whose line it is in `arm` and `trial`."""
    parts = [
        frame.assign(series=name, shown=shown)
        for name, frames in series.items()
        for shown, frame in zip(("configuration", "mean", "paired difference"), frames, strict=True)
        if len(frame)
    ]
    joined = pd.concat(parts, ignore_index=True)
    wanted = ["series", "shown", "arm", "trial", "grown", "offset", "value", "low", "high", "units"]
    return joined[[name for name in wanted if name in joined]]


def forgetting_exhibit(curves: pd.DataFrame, comparison: Comparison, interval: int) -> Exhibit | None:
    """Show how accuracy on the known classes fell and came back just after the growth (arXiv 2205.13452)."""
    name = _known(curves)
    if name is None:
        return None
    measure, points = measure_of(name), aligned(curves, name, interval)
    points = points[points["offset"].between(-BEFORE * interval, AFTER * interval)]
    last = points[~points["grown"]].sort_values("offset").groupby(["trial", "arm"])["value"].last()
    change = points.join(last.rename("before"), on=["trial", "arm"]).dropna(subset="before")
    change["value"] = (change["value"] - change["before"]) * measure.factor
    means = arm_means(change)
    lowest: dict[Any, float] = means[means["grown"]].groupby("arm", observed=True)["value"].min().to_dict()
    if not lowest:
        return None
    said = listed([f"{arm} {measure.difference(value / measure.factor)}" for arm, value in lowest.items()])
    up = f"{measure.title},\nchange since the growth ({measure.unit})"
    arms = (comparison.first, comparison.second)
    drawn = CourseData(some_lines(change), means, arms, "optimizer updates since the growth", up, at_growth=True)
    return Exhibit(
        name="stability_gap",
        title="What was forgotten at the growth, and what came back",
        caption=(
            f"{measure.title[:1].upper() + measure.title[1:]} in the first {AFTER} evaluations after the growth, as "
            f"change from the last one before it. Thick lines are means over configurations, thin lines single "
            f"configurations{_of_how_many(comparison)}. Lowest mean: {said} {measure.unit}. What falls and recovers "
            f"between two evaluations ({interval:,} updates apart) is not seen."
        ),
        alt=f"Change of accuracy on known classes after the growth; lowest mean: {said} {measure.unit}.",
        **rendered(lambda: draw_course(drawn)),
        data=_long({name: (drawn.lines, means, pd.DataFrame())}),
    )


def _known(curves: pd.DataFrame) -> str | None:
    """Return the accuracy of the one head that was there before the growth."""
    before = set(curves.loc[~curves["grown"], "name"])
    names = sorted(name for name in before if name.startswith("val/accuracy/") and name != "val/accuracy/all")
    return names[0] if len(names) == 1 else None


def training_exhibit(data: StudyData) -> Exhibit | None:
    """Show all arms, also those that are not compared, over all of training."""
    name = "val/accuracy/all"
    completed = set(data.runs.loc[data.runs["status"] == "completed", "run_id"])
    points = data.curves[(data.curves["name"] == name) & data.curves["run_id"].isin(completed)]
    # At the growth a run is evaluated twice; the second time with all its classes.
    points = points.drop_duplicates(["run_id", "step"], keep="last")
    by_trial = points.groupby(["arm", "trial", "step"], observed=True)["value"].mean().reset_index()
    arms = [arm for arm in data.arms if arm in set(by_trial["arm"])]
    under = by_trial.groupby("trial")["arm"].transform("nunique")
    by_trial = by_trial[under == len(arms)]
    trials = by_trial["trial"].nunique()
    means = by_trial.groupby(["arm", "step"], observed=True)["value"].agg(["mean", "size"]).reset_index()
    means = means[means["size"] == trials]
    if not len(means):
        return None
    measure = measure_of(name)
    shown = pd.DataFrame({"arm": means["arm"], "offset": means["step"], "value": means["mean"] * measure.factor})
    shown = shown.assign(grown=False).reset_index(drop=True)
    ends: dict[Any, float] = shown.groupby("arm", observed=True)["value"].last().to_dict()
    drawn = CourseData(
        shown.iloc[:0].assign(trial=0),
        shown,
        arms,
        "optimizer updates",
        f"{measure.title} ({measure.level_unit})",
        at_growth=False,
    )
    return Exhibit(
        name="all_of_training",
        title="Every arm over all of training",
        caption=(
            f"{measure.title[:1].upper() + measure.title[1:]} by optimizer updates from the start: means over "
            f"{count(trials, 'configuration')} that completed under every arm, at the steps at which all of them were "
            f"evaluated. Growths lie at different steps, so that their jumps are smoothed here."
        ),
        alt="At the end: " + listed([f"{arm} {measure.level(ends[arm] / measure.factor)} %" for arm in arms]) + ".",
        **rendered(lambda: draw_course(drawn)),
        data=shown.drop(columns="grown").rename(columns={"offset": "step"}),
    )
