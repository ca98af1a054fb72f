"""The seeds, from which every random stream of a run follows."""

from harness.reporting.context import ReportContext
from harness.reporting.tables._base import ReportTable, table_of_numbers

__all__ = ["seeds_table"]


def seeds_table(context: ReportContext) -> ReportTable | None:
    """List the seeds; every stream of a run, from initial values to the order of the data, follows from its seed."""
    data = context.data
    columns = ["seed", "configurations", "runs"]
    grouped = data.runs.groupby("seed").agg(configurations=("trial", "nunique"), runs=("run_id", "size")).reset_index()
    rows = [{name: f"{record[name]:,}" for name in columns} for record in grouped.to_dict("records")]
    return table_of_numbers("seeds", "Seeds", rows, grouped[columns])
