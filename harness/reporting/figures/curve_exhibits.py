"""Exhibits of what happened over time."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from harness.reporting.analysis.pairing import Comparison
from harness.reporting.data.alignment import (
    aligned,
    arm_means,
    paired_difference,
    series_names,
    some_lines,
    without_repeats,
)
from harness.reporting.data.measures import measure_of
from harness.reporting.data.study_data import RUN, StudyData
from harness.reporting.data.wording import count, listed
from harness.reporting.figures._base import Exhibit, rendered
from harness.reporting.figures._course import CourseData, draw_course
from harness.reporting.figures.curve_rows import long_form, of_controls, of_how_many
from harness.reporting.figures.curves import CurvePanel, draw_curves
from harness.reporting.figures.losses import LossPanel, draw_losses

__all__ = ["learning_exhibit", "losses_exhibit", "training_exhibit"]

MOST_CURVES, MOST_LOSSES = 3, 4


def learning_exhibit(
    data: StudyData, curves: pd.DataFrame, comparison: Comparison, interval: int, arms: Sequence[str]
) -> Exhibit | None:
    """Show the validation metrics that tell most around the growth, with their paired differences."""
    panels = []
    for name in _most_telling(curves, comparison)[:MOST_CURVES]:
        points = aligned(curves, name, interval)
        difference = paired_difference(points, comparison.first, comparison.second)
        panels.append(
            CurvePanel(_panel_title(name), data.measure(name), some_lines(points), arm_means(points), difference)
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
            f"over seeds{of_how_many(comparison)}. Below: the mean paired difference with its 95 % band over "
            f"configurations, which holds the whole curve of a panel at once.{of_controls(curves)}"
        ),
        alt=f"{_what(panels)} of {listed(arms)} before and after the growth: {titles}.",
        **rendered(lambda: draw_curves(panels, arms)),
        data=long_form({panel.measure.metric: (panel.lines, panel.means, panel.difference) for panel in panels}),
    )


def _most_telling(curves: pd.DataFrame, comparison: Comparison) -> list[str]:
    """Return the metric that decides, then accuracies (over all classes first), then errors."""
    found = [name for kind in ("accuracy", "rmse") for name in series_names(curves, f"val/{kind}/", "")]
    first = (f"val/{comparison.metric.partition('/')[2]}", "val/accuracy/all")
    known = set(curves["name"].unique())
    return without_repeats(curves, list(dict.fromkeys([*(name for name in first if name in known), *found])))


def _what(panels: Sequence[CurvePanel]) -> str:
    accuracies = all(panel.measure.metric.startswith("val/accuracy/") for panel in panels)
    return "Validation accuracy" if accuracies else "Validation metrics"


def _panel_title(name: str) -> str:
    kind, part = name.removeprefix("val/").split("/", 1)
    if kind == "accuracy":
        return "all classes" if part == "all" else f"{part} classes"
    return measure_of(name).title.removeprefix("validation ")


def losses_exhibit(curves: pd.DataFrame, comparison: Comparison, interval: int, arms: Sequence[str]) -> Exhibit | None:
    """Show every component of the loss around the growth."""
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
    return Exhibit(
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


def training_exhibit(data: StudyData) -> Exhibit | None:
    """Show all arms, also those that are not compared, over all of training."""
    name = "val/accuracy/all"
    completed = set(data.runs.loc[data.runs["status"] == "completed", "run_id"])
    points = data.curves[(data.curves["name"] == name) & data.curves["run_id"].isin(completed)]
    # At the growth a run is evaluated twice; the second time with all its classes.
    points = points.drop_duplicates([*RUN, "step"], keep="last")
    by_trial = points.groupby(["arm", "trial", "step"], observed=True)["value"].mean().reset_index()
    arms = [arm for arm in data.arms if arm in set(by_trial["arm"])]
    under = by_trial.groupby("trial")["arm"].transform("nunique")
    by_trial = by_trial[under == len(arms)]
    trials = by_trial["trial"].nunique()
    means = by_trial.groupby(["arm", "step"], observed=True)["value"].agg(["mean", "size"]).reset_index()
    means = means[means["size"] == trials]
    if not len(means):
        return None
    measure = data.measure(name)
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
