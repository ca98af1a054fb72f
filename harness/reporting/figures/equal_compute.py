"""The validation metric of every arm by seconds of training."""

from harness.reporting.analysis.equal_cost import SECONDS
from harness.reporting.context import ReportContext
from harness.reporting.figures._base import ReportFigure, if_compared
from harness.reporting.figures._equal_cost import equal_cost_figure

__all__ = ["equal_compute_figure"]


@if_compared
def equal_compute_figure(context: ReportContext) -> ReportFigure | None:
    """Show the validation metric of every arm by seconds of training."""
    data, measure, spent = context.data, context.measure, context.costs
    said = "Seconds are those of the machine that trained, evaluations included, what arms share is counted for each"
    return equal_cost_figure(data, measure, spent, SECONDS, "equal_compute", "seconds of training", said)
