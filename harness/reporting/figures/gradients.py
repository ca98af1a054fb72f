"""How long gradients are around the growth, and which updates were skipped."""

import pandas as pd

from harness.reporting.context import ReportContext
from harness.reporting.data.alignment import aligned, arm_means, series_names
from harness.reporting.data.wording import count, listed
from harness.reporting.figures._base import ReportFigure, if_compared, rendered
from harness.reporting.figures._captions import of_controls
from harness.reporting.figures._long_form import long_form_of_means
from harness.reporting.figures._panels import Panel, draw_panels

__all__ = ["gradients_figure"]

NORM, COSINE, SKIPPED = "train/trunk_norm/", "train/trunk_cosine/", "train/skipped_steps"
SCALE = "train/loss_scale"
MOST_COMPONENTS, MOST_LAYERS = 6, 6
WINDOW = 20  # evaluations on either side of the growth


@if_compared
def gradients_figure(context: ReportContext) -> ReportFigure | None:
    """Show how long gradients are around the growth, in all and by component, and which updates were skipped."""
    curves, comparison, interval, arms = context.curves, context.comparison, context.interval, context.curve_arms
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
    return ReportFigure(
        name="gradients",
        title="Gradients around the growth",
        caption=(
            f"Lengths of gradients before clipping, unscaled, averaged since the evaluation before: means over "
            f"{count(comparison.mean.units, 'configuration')}. {components if parts else ''}"
            f"{_skipped_told(means)}{of_controls(context, near)}"
        ),
        alt=f"{listed([panel.title for panel in panels])}, under {listed(arms)}, before and after the growth.",
        **rendered(lambda: draw_panels(panels, arms)),
        data=long_form_of_means(means),
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


def _near(curves: pd.DataFrame, interval: int) -> pd.DataFrame:
    return curves[curves["steps_since_growth"].between(-WINDOW * interval, WINDOW * interval)]
