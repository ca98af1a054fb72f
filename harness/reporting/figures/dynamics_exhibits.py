"""Exhibits of what happens inside the network around the growth: shares of losses, gradients, drift."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from harness.reporting.analysis.pairing import Comparison
from harness.reporting.data.alignment import aligned, arm_means, series_names
from harness.reporting.data.study_data import PARAM, RUN, StudyData
from harness.reporting.data.wording import count, listed, number
from harness.reporting.figures._base import Exhibit, rendered
from harness.reporting.figures._panels import Panel, draw_panels
from harness.reporting.figures.curve_rows import long_form, of_controls

__all__ = ["drift_exhibit", "gradients_exhibit", "shares_exhibit"]

WEIGHTED = "train/loss_weighted/"
NORM, COSINE, SKIPPED = "train/trunk_norm/", "train/trunk_cosine/", "train/skipped_steps"
SCALE = "train/loss_scale"
CKA, CHANGE, PROBE = "drift/cka/", "drift/change/", "drift/probe/"
PROBED = (
    "Linear probe: the share of these examples whose class a ridge classifier, fitted to all others, reads from the "
    "features. "
)
MOST_COMPONENTS, MOST_LAYERS = 6, 6
WINDOW = 20  # evaluations on either side of the growth


def shares_exhibit(
    data: StudyData, curves: pd.DataFrame, comparison: Comparison, interval: int, arms: Sequence[str]
) -> Exhibit | None:
    """Show which share each weighted component has in the loss, where there are several."""
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
    return Exhibit(
        name="loss_shares",
        title="What the loss is made of",
        caption=(
            f"Each component's weighted size over that of all components together, by updates since the growth: means "
            f"over {count(comparison.mean.units, 'configuration')}, training values averaged since the evaluation "
            f"before.{_weights_told(data, comparison)}{of_controls(curves)}"
        ),
        alt=f"Shares of {listed([panel.title for panel in panels])} in the loss, under {listed(arms)}.",
        **rendered(lambda: draw_panels(panels, arms)),
        data=_drawn(means),
    )


def _weights_told(data: StudyData, comparison: Comparison) -> str:
    """Say how searched weights of losses go together with the outcome."""
    weights = [label for label, dimension in data.study.spec.space.items() if dimension.field.endswith("weight")]
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
    return float(stats.spearmanr(both["one"], both["other"]).statistic)


def gradients_exhibit(
    curves: pd.DataFrame, comparison: Comparison, interval: int, arms: Sequence[str]
) -> Exhibit | None:
    """Show how long gradients are around the growth, in all and by component, and which updates were skipped."""
    near = _near(curves, interval)
    names = [name for name in ("train/grad_norm", SCALE, SKIPPED) if (near["name"] == name).any()]
    parts = [name for prefix in (NORM, COSINE) for name in series_names(near, prefix, "")[:MOST_COMPONENTS]]
    names = [*names[:1], *parts, *names[1:]]
    means = {name: arm_means(aligned(near, name, interval)) for name in names}
    means = {name: found for name, found in means.items() if len(found)}
    if not means:
        return None
    panels = [_gradient_panel(name, found) for name, found in means.items()]
    components = "Of components: of their gradients on the backbone, weighted; cosines below zero pull apart. "
    return Exhibit(
        name="gradients",
        title="Gradients around the growth",
        caption=(
            f"Lengths of gradients before clipping, unscaled, averaged since the evaluation before: means over "
            f"{count(comparison.mean.units, 'configuration')}. {components if parts else ''}"
            f"{_skipped_told(means)}{of_controls(near)}"
        ),
        alt=f"{listed([panel.title for panel in panels])}, under {listed(arms)}, before and after the growth.",
        **rendered(lambda: draw_panels(panels, arms)),
        data=_drawn(means),
    )


def _gradient_panel(name: str, means: pd.DataFrame) -> Panel:
    if name == SKIPPED:
        return Panel("skipped updates", "share (%)", means.assign(value=100 * means["value"]), (-3, 103))
    if name == SCALE:
        return Panel("scale of the loss", "factor", means)
    if name.startswith(COSINE):
        one, _, other = name.removeprefix(COSINE).partition(".")
        return Panel(f"{one} and {other}", "cosine", means, (-1.05, 1.05))
    return Panel(name.removeprefix(NORM) if name.startswith(NORM) else "all parameters", "norm", means)


def _skipped_told(means: dict[str, pd.DataFrame]) -> str:
    if SKIPPED in means:
        return "Skipped updates make an arm's budget smaller than it looks."
    return "Neither a loss scaler nor the study's settings skip updates."


def drift_exhibit(curves: pd.DataFrame, comparison: Comparison, interval: int, arms: Sequence[str]) -> Exhibit | None:
    """Show how far features moved from those of the network before the growth, layer by layer."""
    layers = [name.removeprefix(CKA) for name in series_names(curves, CKA, "")]
    shown = (
        [layers[place] for place in np.unique(np.linspace(0, len(layers) - 1, MOST_LAYERS).round().astype(int))]
        if layers
        else []
    )
    names = [kind + layer for kind in (CKA, CHANGE, PROBE) for layer in shown]
    means = {name: arm_means(aligned(curves, name, interval)) for name in names if (curves["name"] == name).any()}
    means = {name: found for name, found in means.items() if len(found)}
    if not means:
        return None
    panels = [_drift_panel(name, found) for name, found in means.items()]
    there = [arm for arm in arms if any(arm in set(found["arm"]) for found in means.values())]
    some = f"{len(shown)} of {len(layers)} layers, evenly by depth" if len(shown) < len(layers) else "every layer"
    return Exhibit(
        name="drift",
        title="How far features moved from those before the growth",
        caption=(
            f"Features of fixed validation examples of the known classes, after the growth against just before it, "
            f"{some}: debiased linear CKA, 1 where nothing is arranged otherwise, and the length of the change over "
            f"that of the features, 0 where nothing moved. {PROBED if PROBE + shown[0] in means else ''}"
            f"Means over {count(comparison.mean.units, 'configuration')}. "
            f"CKA alone can mislead (arXiv 2210.16156); a frozen layer stands at exactly 1 and 0."
        ),
        alt=f"Drift of {listed(shown)} under {listed(there)}.",
        **rendered(lambda: draw_panels(panels, arms)),
        data=_drawn(means),
    )


def _drift_panel(name: str, means: pd.DataFrame) -> Panel:
    layer = name.rpartition("/")[2]
    if name.startswith(PROBE):
        return Panel(layer, "linear probe (%)", means.assign(value=100 * means["value"]))
    return Panel(layer, "CKA" if name.startswith(CKA) else "relative L2", means)


def _near(curves: pd.DataFrame, interval: int) -> pd.DataFrame:
    return curves[curves["steps_since_growth"].between(-WINDOW * interval, WINDOW * interval)]


def _drawn(means: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return long_form({name: (pd.DataFrame(), found, pd.DataFrame()) for name, found in means.items()})
