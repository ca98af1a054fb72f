"""The best so far against the number of configurations and the seconds that they took."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from harness.reporting.analysis.best_so_far import best_so_far, expected_best
from harness.reporting.context import ReportContext
from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import count, in_unit, listed_in_part
from harness.reporting.figures._base import ReportFigure, if_compared, rendered
from harness.reporting.figures._style import add_legend, arm_handles, arm_styles, new_figure, plain_numbers, wrapped

__all__ = ["AnytimeData", "best_so_far_figure", "draw_anytime"]

SECONDS = "cost/seconds"


@dataclass(frozen=True)
class AnytimeData:
    """What the figure shows, in stored units.

    Attributes:
        steps: `arm, configurations, seconds, value`, in the order in which configurations were tried.
        expected: `arm, configurations, value`, the mean over all orders; empty where these were no fair sample.
    """

    steps: pd.DataFrame
    expected: pd.DataFrame
    arms: Sequence[str]
    measure: Measure


@if_compared
def best_so_far_figure(context: ReportContext) -> ReportFigure | None:
    """Show the test result of the configuration that is best on validation, by how many were tried."""
    data, measure = context.data, context.measure
    chosen_by = f"val/{measure.metric.removeprefix('test/')}"
    if not {chosen_by, measure.metric} <= set(data.metrics):
        return None
    steps = pd.concat([_course(data, arm, chosen_by, measure) for arm in data.arms], ignore_index=True)
    arms = [arm for arm in data.arms if (steps.loc[steps["arm"] == arm, "chosen_by"].notna()).sum() > 1]
    if not arms:
        return None
    expected = pd.concat([_expected(steps, arm, measure) for arm in arms], ignore_index=True)
    drawn = AnytimeData(steps, expected if data.fair else expected.iloc[:0], arms, measure)
    last = {arm: float(steps.loc[steps["arm"] == arm, "value"].iloc[-1]) for arm in arms}
    ends = listed_in_part([f"{arm} {measure.level(last[arm])}" for arm in arms])
    order = (
        "Thin lines: in the order in which configurations were tried; thick lines: the mean over all orders, up to "
        "half of them, since beyond that the same few decide."
        if data.fair
        else "Lines follow the order in which configurations were tried; the sampler looks at results, so that no "
        "other order would have been the same search."
    )
    return ReportFigure(
        name="best_so_far",
        title="The best so far",
        caption=(
            f"{measure.title[:1].upper() + measure.title[1:]}, mean over seeds, of the configuration with the best "
            f"validation, under each arm by itself, of {count(data.study.trials, 'configuration')}. {order} One search "
            f"under each arm: a description without an interval."
        ),
        alt=f"At the end{in_unit(measure.level_unit)}: {ends}.",
        **rendered(lambda: draw_anytime(drawn)),
        data=pd.concat([steps.assign(shown="as tried"), drawn.expected.assign(shown="expected")], ignore_index=True),
    )


def _course(data: StudyData, arm: str, chosen_by: str, measure: Measure) -> pd.DataFrame:
    """Return `arm, configurations, seconds, chosen_by, judged_by, value`, one row a configuration in its order."""
    runs = data.runs[data.runs["arm"] == arm]
    finite = np.isfinite(runs[[chosen_by, measure.metric]].to_numpy(np.float64)).all(axis=1)
    done = runs[(runs["status"] == "completed") & finite]
    means = done.groupby("trial")[[chosen_by, measure.metric]].mean().reindex(np.unique(runs["trial"]))
    sign = 1.0 if measure.higher_is_better else -1.0
    chosen, judged = means[chosen_by].to_numpy(np.float64), means[measure.metric].to_numpy(np.float64)
    spent = runs.groupby("trial")[SECONDS].sum().cumsum().to_numpy() if SECONDS in runs else np.nan
    return pd.DataFrame(
        {
            "arm": arm,
            "configurations": np.arange(1, len(means) + 1),
            "seconds": spent,
            "chosen_by": chosen,
            "judged_by": judged,
            "value": best_so_far(sign * chosen, judged),
        }
    )


def _expected(steps: pd.DataFrame, arm: str, measure: Measure) -> pd.DataFrame:
    part = steps[(steps["arm"] == arm) & steps["chosen_by"].notna()]
    sign = 1.0 if measure.higher_is_better else -1.0
    values = expected_best(sign * part["chosen_by"].to_numpy(), part["judged_by"].to_numpy())
    kept = values[: max(len(values) // 2, 1)]
    return pd.DataFrame({"arm": arm, "configurations": np.arange(1, len(kept) + 1), "value": kept})


def draw_anytime(data: AnytimeData) -> Figure:
    """Draw a staircase per arm, against configurations and against seconds, and the expected one as a thick line."""
    timed = data.steps["seconds"].notna().any()
    figure = new_figure(6.8 if timed else 4.2, 3.6)
    figure.set_layout_engine("constrained")
    grid: Any = figure.subplots(1, 2 if timed else 1, sharey=True, squeeze=False)[0]
    for arm, style in arm_styles(data.arms).items():
        part, mean = (frame[frame["arm"] == arm] for frame in (data.steps, data.expected))
        bold = not len(data.expected)
        look: dict[str, Any] = {"color": style.color, "ls": style.line, "drawstyle": "steps-post"}
        look |= {"lw": 2.2 if bold else 0.9, "alpha": 1.0 if bold else 0.6}
        for axes, across in zip(grid, ("configurations", "seconds"), strict=False):
            axes.plot(part[across], part["value"] * data.measure.factor, **look)
        grid[0].plot(
            mean["configurations"], mean["value"] * data.measure.factor, color=style.color, ls=style.line, lw=2.2
        )
    grid[0].set_xlabel("configurations tried")
    grid[0].set_ylabel(
        f"{wrapped(data.measure.title, 34)}\nof the best on validation{in_unit(data.measure.level_unit)}"
    )
    if timed:
        grid[1].set_xlabel("seconds of training, all seeds")
    add_legend(figure, arm_handles(data.arms))
    plain_numbers(grid[0])
    return figure
