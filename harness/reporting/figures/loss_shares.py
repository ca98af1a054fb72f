"""Which share each weighted component has in the loss."""

import numpy as np
import pandas as pd

from harness.reporting.analysis.pairing import Comparison
from harness.reporting.context import ReportContext
from harness.reporting.data.alignment import aligned, arm_means, series_names
from harness.reporting.data.columns import PARAM, RUN
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import count, listed, number
from harness.reporting.figures._base import ReportFigure, if_compared, rendered
from harness.reporting.figures._captions import of_controls
from harness.reporting.figures._long_form import long_form_of_means
from harness.reporting.figures._panels import Panel, draw_panels

__all__ = ["loss_shares_figure"]

WEIGHTED = "train/loss_weighted/"
MOST_COMPONENTS, MOST_LAYERS = 6, 6


@if_compared
def loss_shares_figure(context: ReportContext) -> ReportFigure | None:
    """Show which share each weighted component has in the loss, where there are several."""
    data, curves, comparison, interval, arms = (
        context.data,
        context.curves,
        context.comparison,
        context.interval,
        context.curve_arms,
    )
    names = series_names(curves, WEIGHTED, "")[:MOST_COMPONENTS]
    if len(names) < 2:
        return None
    series = curves[curves["name"].isin(names)]
    size = series.assign(value=series["value"].abs())
    keys = [*RUN, "grown", "step"]
    whole = size.groupby(keys, observed=True)["value"].transform("sum").to_numpy()
    shares = size.assign(value=100 * size["value"] / np.where(whole > 0, whole, np.nan))
    means = {name: arm_means(aligned(shares, name, interval)) for name in names}
    panels = [Panel(name.removeprefix(WEIGHTED), "share (%)", means[name], (-3, 103)) for name in names]
    return ReportFigure(
        name="loss_shares",
        title="What the loss is made of",
        caption=(
            f"Each component's weighted size over that of all components together, by updates since the growth: means "
            f"over {count(comparison.mean.units, 'configuration')}, training values averaged since the evaluation "
            f"before.{_weights_told(data, comparison)}{of_controls(context, curves)}"
        ),
        alt=f"Shares of {listed([panel.title for panel in panels])} in the loss, under {listed(arms)}.",
        **rendered(lambda: draw_panels(panels, arms)),
        data=long_form_of_means(means),
    )


def _weights_told(data: StudyData, comparison: Comparison) -> str:
    """Say how searched weights of losses go together with the outcome."""
    dimensions = data.study.spec.space.items()
    weights = [label for label, dimension in dimensions if dimension.field.endswith("weight")]
    told = []
    rows = comparison.configurations.merge(data.runs.drop_duplicates("trial"), on="trial", suffixes=("", "_run"))
    for label in weights:
        values = pd.to_numeric(rows[PARAM + label], errors="coerce")
        for arm, column in ((comparison.first, "first"), (comparison.second, "second")):
            found = _rank_correlation(values, rows[column])
            told += [f"{label} under {arm} {number(found, 2)}"] if np.isfinite(found) else []
    return f" Rank correlation of the searched weight with the primary metric: {listed(told)}." if told else ""


def _rank_correlation(one: pd.Series, other: pd.Series) -> float:
    both = pd.DataFrame({"one": one, "other": other}).dropna()
    if len(both) < 3 or (both.nunique() < 2).any():
        return np.nan
    return float(np.corrcoef(both.rank().to_numpy(), rowvar=False)[1, 0])
