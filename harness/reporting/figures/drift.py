"""How far features moved from those of the network before the growth, layer by layer."""

import numpy as np
import pandas as pd

from harness.reporting.context import ReportContext
from harness.reporting.data.alignment import aligned, arm_means, series_names
from harness.reporting.data.wording import count, listed
from harness.reporting.figures._base import ReportFigure, if_compared, rendered
from harness.reporting.figures._long_form import long_form_of_means
from harness.reporting.figures._panels import Panel, draw_panels

__all__ = ["drift_figure"]

CKA, CHANGE, PROBE = "drift/cka/", "drift/change/", "drift/probe/"
PROBED = (
    "Linear probe: the share of these examples whose class a ridge classifier, fitted to all others, reads from the "
    "features. "
)
MOST_COMPONENTS, MOST_LAYERS = 6, 6


@if_compared
def drift_figure(context: ReportContext) -> ReportFigure | None:
    """Show how far features moved from those of the network before the growth, layer by layer."""
    curves, comparison, interval, arms = context.curves, context.comparison, context.interval, context.curve_arms
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
    return ReportFigure(
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
        data=long_form_of_means(means),
    )


def _drift_panel(name: str, means: pd.DataFrame) -> Panel:
    layer = name.rpartition("/")[2]
    if name.startswith(PROBE):
        return Panel(layer, "linear probe (%)", means.assign(value=100 * means["value"]))
    return Panel(layer, "CKA" if name.startswith(CKA) else "relative L2", means)
