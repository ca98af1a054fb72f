"""The configurations on a Pareto front."""

from collections.abc import Mapping
from typing import Any

from harness.reporting.analysis.pareto import Weighed, what_is_better
from harness.reporting.context import ReportContext
from harness.reporting.data.columns import PARAM
from harness.reporting.data.wording import count, listed, setting
from harness.reporting.tables._base import ReportTable, table_of_numbers

__all__ = ["trade_offs_table"]


def trade_offs_table(context: ReportContext) -> ReportTable | None:
    """Return the table of the configurations on a front, or none for a study with one objective."""
    data, found = context.data, context.weighed
    if found is None or not len(found.rows):
        return None
    params = data.runs.drop_duplicates("trial").set_index("trial")[[PARAM + label for label in data.labels]]
    frame = found.rows.merge(params, left_on="trial", right_index=True)
    deciding = found.objectives[0]
    frame = frame.sort_values(
        ["front", deciding.seen.metric, "trial"],
        ascending=[False, deciding.direction == "minimize", True],
        ignore_index=True,
    )
    on_either = frame[frame["front"] | frame["test_front"]]
    rows = [_row(found, data.labels, record) for record in on_either.to_dict("records")]
    note = (
        f"Of {count(len(frame), 'configuration')} all of whose runs have ended, those that no other is as good as in "
        f"everything and better than in something; {what_is_better(found)}. Means over arms and seeds. The search saw "
        "validation values: they chose, and flatter those that were chosen; test values do not."
    )
    left = 2 + len(data.labels)
    return table_of_numbers("trade_offs", "The best trade-offs", rows, frame, left=left, note=note)


def _row(found: Weighed, labels: list[str], record: Mapping[Any, Any]) -> dict[str, str]:
    fronts = [name for name, on in (("validation", record["front"]), ("test", record["test_front"])) if on]
    row = {"trial": str(record["trial"]), "on the front by": listed(fronts)}
    row |= {label: setting(record[PARAM + label]) for label in labels}
    for one in found.objectives:
        for split, measure in (("", one.seen),) if one.is_cost else (("validation ", one.seen), ("test ", one.test)):
            unit = f" ({measure.level_unit})" if measure.level_unit else ""
            row[f"{split}{measure.short}{unit}"] = measure.level(record[measure.metric])
    return row
