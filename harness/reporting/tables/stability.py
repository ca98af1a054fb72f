"""How far accuracy on the known classes fell just after the growth, and when it came back."""

import pandas as pd

from harness.reporting.analysis.stability_gap import NEAR, known_accuracy, stability_gaps
from harness.reporting.context import ReportContext
from harness.reporting.data.measures import Measure, measure_of
from harness.reporting.data.wording import NOTHING, number
from harness.reporting.tables._base import ReportTable, table_of_numbers

__all__ = ["stability_table"]


def stability_table(context: ReportContext) -> ReportTable | None:
    """Give each arm's gap, as means over configurations, or None where the known classes have no head of their own."""
    curves, arms = context.curves, context.data.arms
    name = known_accuracy(curves)
    gaps = stability_gaps(curves, name) if name else None
    if name is None or gaps is None or not len(gaps):
        return None
    measure = measure_of(name)
    known = set(gaps["arm"]) | set(curves.loc[~curves["grew"], "arm"])
    shown = [arm for arm in arms if arm in known]
    rows = [_row(arm, gaps[gaps["arm"] == arm], measure) for arm in shown]
    note = (
        f"Change of {measure.title} against the last evaluation before the growth, each row a mean over "
        f"configurations after a mean over seeds, as far as evaluations saw it. Recovered: within {measure.size(NEAR)} "
        f"again; of those runs, the median update."
    )
    return table_of_numbers("stability", "How far accuracy on the known classes fell", rows, gaps, note=note)


def _row(arm: str, gaps: pd.DataFrame, measure: Measure) -> dict[str, str]:
    means = gaps.groupby("trial")[["lowest", "area", "last"]].mean().mean()
    back = gaps["recovered"].dropna()
    return {
        "arm": arm,
        f"lowest ({measure.unit})": measure.difference(float(means["lowest"])),
        f"lost in all ({measure.unit} \N{MULTIPLICATION SIGN} updates)": number(
            float(means["area"]) * measure.factor, 0
        ),
        "runs that recovered": f"{len(back):,} of {len(gaps):,}" if len(gaps) else NOTHING,
        "after updates (median)": number(float(back.median()), 0) if len(back) else NOTHING,
        f"at the end ({measure.unit})": measure.difference(float(means["last"])),
    }
