"""Every run that has ended."""

from harness.reporting.context import ReportContext
from harness.reporting.data.columns import PARAM
from harness.reporting.data.measures import POINTS, Measure
from harness.reporting.data.wording import number, setting
from harness.reporting.tables._base import ReportTable, table_of_numbers
from harness.reporting.tables._outcomes import outcome_metrics

__all__ = ["runs_table"]

MOST_RUNS = 1000  # that a page lists


def runs_table(context: ReportContext) -> ReportTable | None:
    """List every run that has ended."""
    data, measure = context.data, context.measure
    metrics = [name for name in dict.fromkeys([measure.metric, *outcome_metrics(data)]) if name in data.metrics]
    shown = [name for name in metrics if name not in ("cost/steps", "growth/parameters_added")]
    measures = [data.measure(name) for name in shown]
    rows = []
    for record in data.runs.head(MOST_RUNS).to_dict("records"):
        row = {"trial": str(record["trial"])}
        row |= {label: setting(record[PARAM + label]) for label in data.labels}
        row |= {"arm": record["arm"], "seed": str(record["seed"]), "status": record["status"]}
        row |= {"growth at step": number(record["growth_step"], 0)}
        row |= {_head(found): found.level(record[found.metric]) for found in measures}
        rows.append(row | {"run": str(record["run_id"])[:12]})
    note = "Accuracies are those on the test split, at the end unless said otherwise."
    if len(data.runs) > MOST_RUNS:
        note += f" These are the first {MOST_RUNS:,} of {len(data.runs):,} runs; tables/runs.csv has all."
    return table_of_numbers(
        "runs", "Runs that have ended", rows, data.runs.drop(columns="config"), left=len(data.labels) + 4, note=note
    )


def _head(measure: Measure) -> str:
    unit = "points" if measure.level_unit == POINTS else measure.level_unit
    return f"{measure.short} ({unit})" if unit else measure.short
