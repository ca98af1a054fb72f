"""How well each class was answered after each stage, where classes came often."""

import pandas as pd

from harness.reporting.analysis.arrivals import class_accuracies
from harness.reporting.context import ReportContext
from harness.reporting.data.wording import number
from harness.reporting.tables._base import ReportTable, table_of_numbers

__all__ = ["class_accuracies_table"]

OFTEN = 2  # arrivals after the start
MOST_CLASSES = 20
NOTE = (
    "In percent, of validation examples of the class, at the end of each stage; means over configurations after means "
    "over seeds."
)


def class_accuracies_table(context: ReportContext) -> ReportTable | None:
    """Return the table, or none where classes came less often, or runs do not record classes."""
    arrivals = context.arrivals
    if not len(arrivals) or arrivals["arrival"].max() < OFTEN:
        return None
    found = class_accuracies(context.data)
    if not len(found):
        return None
    arms = [arm for arm in context.data.arms if arm in set(found["arm"])]
    wide = found.pivot_table(index=["arm", "class"], columns="stage", values="value").loc[arms]
    shown = wide[wide.index.get_level_values("class") < MOST_CLASSES]
    note = NOTE if len(shown) == len(wide) else f"{NOTE} The first {MOST_CLASSES} classes; all are in the data."
    rows = [_row(arm, label, row) for (arm, label), row in shown.iterrows()]
    return table_of_numbers("class_accuracies", "Each class after each stage", rows, found, left=2, note=note)


def _row(arm: str, label: int, row: pd.Series) -> dict[str, str]:
    return {"arm": arm, "class": str(label)} | {f"stage {stage}": number(100 * row[stage], 1) for stage in row.index}
