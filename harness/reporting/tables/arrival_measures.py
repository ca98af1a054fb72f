"""What was kept of each arrival of classes, in the measures of the field."""

import pandas as pd

from harness.reporting.analysis.arrivals import (
    MEASURES,
    arrival_measures,
    forward_transfers,
    intransigence,
    means_by_arm,
    reference_arms,
)
from harness.reporting.context import ReportContext
from harness.reporting.data.wording import number, signed
from harness.reporting.tables._base import ReportTable, table_of_numbers

__all__ = ["arrival_measures_table"]

OFTEN = 2  # arrivals after the start, from which on one number of forgetting is not enough
HEADS = {
    "average_accuracy": "average accuracy",
    "learned": "when learned",
    "forgetting": "forgetting",
    "backward_transfer": "backward transfer",
    "before_learning": "before learning",
    "min_accuracy": "min-ACC",
    "worst_case_accuracy": "WC-ACC",
    "forward_transfer": "forward transfer",
    "intransigence": "intransigence",
}
SIGNED = ("backward_transfer", "forward_transfer", "intransigence")
NONE = "none"
NOTE = (
    "In percent, of validation accuracy by arrival; means over configurations after means over seeds. When learned: at "
    "the end of an arrival's own stage. Forgetting: the best before the last stage, minus the end (arXiv 1801.10112). "
    "Backward transfer: the end minus when learned (arXiv 1706.08840). Before learning: just after an arrival came, "
    "before any update. min-ACC: the lowest on an arrival at any evaluation after its own stage; WC-ACC: the mean of "
    "that over the old arrivals and of accuracy on the last one (arXiv 2205.13452). Forward transfer: before learning, "
    "minus what an untrained network that grew alike answers (arXiv 1706.08840); none where runs do not "
    "record_untrained. Intransigence: when learned, of all arrivals but the first, in the arm that trains on all "
    "examples of all classes so far, minus the same here (arXiv 1801.10112); none in a study without such an arm."
)


def arrival_measures_table(context: ReportContext) -> ReportTable | None:
    """Return the table, or none where classes did not come at least twice after the start."""
    evaluations = context.arrivals
    if not len(evaluations) or evaluations["arrival"].max() < OFTEN:
        return None
    means = means_by_arm(arrival_measures(evaluations)).set_index("arm")
    transfers = means_by_arm(forward_transfers(context.data, evaluations)).set_index("arm")["forward_transfer"]
    lost = pd.Series(intransigence(evaluations, reference_arms(context.data)), dtype=float)
    means = means.assign(forward_transfer=transfers, intransigence=lost)
    frame = means.loc[[arm for arm in context.data.arms if arm in means.index], list(HEADS)].reset_index()
    title = "What was kept of each arrival"
    return table_of_numbers("arrival_measures", title, [_row(row) for _, row in frame.iterrows()], frame, note=NOTE)


def _row(row: pd.Series) -> dict[str, str]:
    written = {name: (signed if name in SIGNED else number)(100 * row[name], 2) for name in HEADS}
    absent = {name: NONE for name in HEADS if name not in MEASURES and pd.isna(row[name])}
    return {"arm": str(row["arm"])} | {HEADS[name]: value for name, value in (written | absent).items()}
