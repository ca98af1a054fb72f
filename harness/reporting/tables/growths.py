"""What the growths themselves did to function and size."""

from harness.reporting.context import ReportContext
from harness.reporting.data.wording import number
from harness.reporting.tables._base import ReportTable, table_of_numbers

__all__ = ["growths_table"]


def growths_table(context: ReportContext) -> ReportTable | None:
    """Say what the growths themselves did to function and size, before any further update."""
    data = context.data
    found = data.curves[data.curves["name"].str.startswith("growth/")]
    grouped = found.groupby("name", observed=True)["value"].agg(["size", "mean", "min", "max"]).reset_index()
    rows = [
        {
            "measured at the growth": str(row["name"]).removeprefix("growth/").replace("_", " "),
            "growths": f"{row['size']:,}",
            **{
                what: number(row[of], 0 if str(row["name"]).endswith("_added") else 4)  # those are counts
                for what, of in (("mean", "mean"), ("smallest", "min"), ("largest", "max"))
            },
        }
        for row in grouped.to_dict("records")
    ]
    note = "Before and after are on the same batch, on either side of the growth, with no update between them."
    return table_of_numbers("growths", "What the growth itself did", rows, grouped, note=note)
