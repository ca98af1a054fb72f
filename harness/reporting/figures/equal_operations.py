"""The validation metric of every arm by floating-point operations of training."""

from harness.reporting.analysis.equal_cost import FLOPS, OPERATIONS
from harness.reporting.context import ReportContext
from harness.reporting.data.wording import in_unit
from harness.reporting.figures._base import ReportFigure, if_compared
from harness.reporting.figures._equal_cost import equal_cost_figure

__all__ = ["equal_operations_figure"]


@if_compared
def equal_operations_figure(context: ReportContext) -> ReportFigure | None:
    """Show the validation metric of every arm by floating-point operations of training."""
    data, measure, spent = context.data, context.measure, context.costs
    axis = f"operations of training{in_unit(FLOPS.measure.level_unit)}"
    return equal_cost_figure(data, measure, spent, FLOPS, "equal_operations", axis, f"Operations are {OPERATIONS}")
