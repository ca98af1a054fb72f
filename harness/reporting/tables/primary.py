"""Both arms and their paired difference on the primary metric."""

from typing import Any

import numpy as np
import pandas as pd

from harness.reporting.context import ReportContext
from harness.reporting.data.wording import in_unit, number, p_value
from harness.reporting.statistics import interquartile_mean
from harness.reporting.tables._base import ReportTable, table_of_numbers
from harness.reporting.tables._cells import interval_of, mean_of, sd_of

__all__ = ["primary_table"]


def primary_table(context: ReportContext) -> ReportTable | None:
    """Give both arms and their paired difference on the primary metric."""
    comparison, measure = context.comparison, context.measure
    configurations, mean = comparison.configurations, comparison.mean
    levels = ((comparison.first, "first"), (comparison.second, "second"))
    records: list[dict[str, Any]] = [
        {
            "row": arm,
            "mean": mean_of(configurations[role]),
            "sd": sd_of(configurations[role]),
            "iqm": interquartile_mean(configurations[role].tolist()).mean,
            "low": np.nan,
            "high": np.nan,
        }
        for arm, role in levels
    ]
    low, high = (mean.interval.low, mean.interval.high) if mean.interval else (np.nan, np.nan)
    name = f"{comparison.first} minus {comparison.second}"
    iqm = interquartile_mean(configurations["difference"].tolist()).mean
    tests = {"p": mean.p, "standardized": mean.standardized, "share_positive": comparison.share_positive}
    records.append({"row": name, "mean": mean.mean, "sd": mean.sd, "iqm": iqm, "low": low, "high": high, **tests})
    frame = pd.DataFrame(records).assign(configurations=mean.units, pairs=len(comparison.pairs), df=mean.df)
    write = (measure.level, measure.level, measure.difference)
    rows = [
        {
            "": str(record["row"]),
            f"mean{in_unit(measure.level_unit)}": shown(record["mean"]),
            "SD between configurations": measure.level(record["sd"]),
            "interquartile mean": shown(record["iqm"]),
            "95 % interval": interval_of(measure, record["low"], record["high"]),
            "configurations": str(mean.units),
            "pairs of runs": str(len(comparison.pairs)),
        }
        for record, shown in zip(records, write, strict=True)
    ]
    unit = measure.unit or "stored units"
    note = (
        f"Interval: t with {number(mean.df, 1 if mean.layout else 0)} degrees of freedom, over configurations"
        f"{' and seeds, which they share' if mean.layout else ''}; two-sided p: {p_value(mean.p)}. "
        f"Difference in {unit}; it is {number(mean.standardized, 2)} standard deviations between configurations (dz)."
    )
    return table_of_numbers(
        "primary", measure.title[:1].upper() + measure.title[1:], rows, frame, note=note if mean.interval else ""
    )
