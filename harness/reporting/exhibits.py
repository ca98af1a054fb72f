"""Exhibits: a figure with its caption, its words for those who cannot see it, and the data it was drawn from."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from harness.reporting.alignment import (
    MOST_LINES,
    aligned,
    arm_means,
    evaluation_interval,
    of_pairs,
    paired_difference,
    series_names,
    some_lines,
)
from harness.reporting.figures import style
from harness.reporting.figures.curves import CurvePanel, draw_curves
from harness.reporting.figures.forest import ForestData, draw_forest
from harness.reporting.figures.losses import LossPanel, draw_losses
from harness.reporting.figures.tradeoff import TradeoffData, draw_tradeoff
from harness.reporting.measures import Measure, measure_of
from harness.reporting.pairing import Comparison, completed_pairs
from harness.reporting.study_data import PARAM, StudyData
from harness.reporting.wording import count, listed, setting

__all__ = ["Exhibit", "exhibits_of"]

MOST_CURVES, MOST_LOSSES = 3, 4


@dataclass(frozen=True)
class Exhibit:
    """A figure as the report shows it."""

    name: str
    title: str
    caption: str
    alt: str
    png: bytes
    svg: bytes
    data: pd.DataFrame


def exhibits_of(
    data: StudyData, comparison: Comparison, measure: Measure, smallest_effect: float
) -> dict[str, Exhibit]:
    """Return the figures for which there is data, by name."""
    if not comparison.mean.units:
        return {}
    curves = of_pairs(data.curves, comparison.pairs, comparison.first, comparison.second)
    interval = evaluation_interval(curves)
    found = (
        _forest(data, comparison, measure, smallest_effect),
        _tradeoff(data, comparison),
        _learning(curves, comparison, interval),
        _losses(curves, comparison, interval),
    )
    return {exhibit.name: exhibit for exhibit in found if exhibit is not None}


def _rendered(draw: Callable[[], Figure]) -> dict[str, bytes]:
    with style.applied():
        figure = draw()
        return {"png": style.png(figure), "svg": style.svg(figure)}


def _forest(data: StudyData, comparison: Comparison, measure: Measure, smallest_effect: float) -> Exhibit:
    labels = data.labels
    params = data.runs.drop_duplicates("trial").set_index("trial")[[PARAM + name for name in labels]]
    params = params.map(setting).rename(columns=lambda name: name.removeprefix(PARAM))
    rows = comparison.configurations.merge(params, left_on="trial", right_index=True)
    rows = rows.sort_values(["difference", "trial"], ascending=[False, True], ignore_index=True)
    mean, interval = comparison.mean, comparison.mean.interval
    overall = (mean.mean, interval.low, interval.high) if interval else (mean.mean, np.nan, np.nan)
    forest = ForestData(rows, labels, overall, smallest_effect, comparison.first, comparison.second, measure)
    diamond = "The diamond is their mean with its 95 % t interval over configurations, which the verdict rests on."
    band = "The shaded band holds differences smaller than the smallest effect that matters." if smallest_effect else ""
    point = "The diamond is their mean; they are too few for an interval."
    whiskers = "Thin lines are t intervals over the seeds of one configuration: they describe, they do not test."
    return Exhibit(
        name="paired_differences",
        title="The difference, configuration by configuration",
        caption=(
            f"Each point is one configuration: {measure.title} under {comparison.first} minus {comparison.second}, "
            f"mean over seeds. {diamond if interval else point} "
            f"{whiskers if rows['low'].notna().any() else ''} {band}"
        ),
        alt=(
            f"Forest plot of {count(mean.units, 'configuration')}: differences from "
            f"{measure.difference(rows['difference'].min())} to {measure.difference(rows['difference'].max())} "
            f"{measure.unit}, mean {measure.difference(mean.mean)}."
        ),
        **_rendered(lambda: draw_forest(forest)),
        data=rows,
    )


def _tradeoff(data: StudyData, comparison: Comparison) -> Exhibit | None:
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
    x, y = measure_of(names["x"]), measure_of(names["y"])
    drawn = TradeoffData(rows, rows.drop(columns="trial").mean(), x, y, (comparison.first, comparison.second))
    return Exhibit(
        name="kept_and_learned",
        title="What was kept, and what was learned",
        caption=(
            f"Each small point is one configuration under one arm, mean over seeds; a line joins the two arms of a "
            f"configuration. Large points are the means over {count(len(rows), 'configuration')}. Up and to the left "
            f"is better."
        ),
        alt=(
            f"{y.title.capitalize()} against {x.title}: {comparison.first} at {y.level(drawn.means['y_first'])} % and "
            f"{x.level(drawn.means['x_first'])}, {comparison.second} at {y.level(drawn.means['y_second'])} % and "
            f"{x.level(drawn.means['x_second'])}."
        ),
        **_rendered(lambda: draw_tradeoff(drawn)),
        data=rows,
    )


def _late_metric(data: StudyData) -> str | None:
    """Return the accuracy on the classes that came late: the one head besides the known one, if there is just one."""
    heads = {name for name in data.metrics if name.startswith("test/accuracy/")}
    late = sorted(heads - {"test/accuracy/all", "test/accuracy/known"})
    return "test/accuracy/late" if "test/accuracy/late" in late else late[0] if len(late) == 1 else None


def _learning(curves: pd.DataFrame, comparison: Comparison, interval: int) -> Exhibit | None:
    names = sorted(series_names(curves, "val/accuracy/", ""), key=lambda name: name != "val/accuracy/all")
    panels = []
    for name in names[:MOST_CURVES]:
        points = aligned(curves, name, interval)
        difference = paired_difference(points, comparison.first, comparison.second)
        part = name.removeprefix("val/accuracy/")
        title = "all classes" if part == "all" else f"{part} classes"
        panels.append(CurvePanel(title, measure_of(name), some_lines(points), arm_means(points), difference))
    if not panels:
        return None
    titles = listed([panel.title for panel in panels])
    return Exhibit(
        name="learning_curves",
        title="Learning curves around the growth",
        caption=(
            f"Validation accuracy ({titles}) by optimizer updates since the growth. Thick lines are means over "
            f"configurations, as far as all of them have been measured; thin lines are single configurations, means "
            f"over seeds{_of_how_many(comparison)}. Below: the mean paired difference with its 95 % t interval over "
            f"configurations, point by point, not for the curve as a whole. Before the growth both arms are the same "
            f"runs."
        ),
        alt=f"Validation accuracy of {comparison.first} and {comparison.second} before and after the growth: {titles}.",
        **_rendered(lambda: draw_curves(panels, comparison.first, comparison.second)),
        data=_long({panel.measure.metric: (panel.lines, panel.means, panel.difference) for panel in panels}),
    )


def _of_how_many(comparison: Comparison) -> str:
    units = comparison.mean.units
    return f" ({MOST_LINES} of {units:,}, evenly by number)" if units > MOST_LINES else ""


def _losses(curves: pd.DataFrame, comparison: Comparison, interval: int) -> Exhibit | None:
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
        **_rendered(lambda: draw_losses(panels, comparison.first, comparison.second)),
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
