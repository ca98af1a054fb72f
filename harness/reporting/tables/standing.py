"""How every arm stands, for the first screen of a report."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from harness.reporting.analysis.standing import Standing, told_the_head
from harness.reporting.context import ReportContext
from harness.reporting.data.measures import Measure
from harness.reporting.data.wording import NOTHING, in_unit, listed_in_part
from harness.reporting.tables._base import ReportTable, table_of_numbers

__all__ = ["standing_table"]

MOST_ARMS = 12


def standing_table(context: ReportContext) -> ReportTable | None:
    """Give every arm's mean, the best first, and its paired difference to the arm that the comparison subtracts."""
    if not context.compared:
        return None
    measure, (first, second) = context.measure, context.data.study.spec.comparison
    found = context.standings
    shown = [standing for place, standing in enumerate(found) if place < MOST_ARMS or standing.arm in (first, second)]
    rows = [_row(standing, measure, second) for standing in shown]
    title = f"{measure.title[:1].upper()}{measure.title[1:]}, the best arm first"
    others = told_the_head(context.data, context.comparison)
    note = " ".join(filter(None, [_note(found, len(shown), f"{first} minus {second}"), _of_unranked(others)]))
    return table_of_numbers("standing", title, rows, pd.DataFrame(map(_record, found)), note=note)


def _note(found: Sequence[Standing], shown: int, planned: str) -> str:
    """Say what the brackets hold, which difference was planned, and how many arms there are beside those shown."""
    intervals = any(standing.difference and standing.difference.interval for standing in found)
    sentences = [
        "In brackets: 95 % intervals." if intervals else "",
        f"Only {planned} was planned." if len(found) > 2 else "",
        f"These are {shown} of {len(found)} arms." if shown < len(found) else "",
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _of_unranked(arms: Sequence[str]) -> str:
    """Say which arms are not ranked, and why."""
    if not arms:
        return ""
    return (
        f"Not ranked: {listed_in_part(arms)}, whose networks are told which head is meant; this metric does not tell "
        "them. Published results, and ours, compares them."
    )


def _row(standing: Standing, measure: Measure, reference: str) -> dict[str, str]:
    return {
        "arm": standing.arm,
        f"mean{in_unit(measure.level_unit)}": measure.level(standing.mean),
        f"minus {reference}{in_unit('points' if measure.level_unit == '%' else measure.unit)}": _difference(
            standing, measure
        ),
    }


def _difference(standing: Standing, measure: Measure) -> str:
    found = standing.difference
    if found is None:
        return NOTHING
    ends = found.interval
    interval = f" ({measure.difference(ends.low)} to {measure.difference(ends.high)})" if ends else ""
    return measure.difference(found.mean) + interval


def _record(standing: Standing) -> dict[str, str | float]:
    found = standing.difference
    low, high = (found.interval.low, found.interval.high) if found and found.interval else (np.nan, np.nan)
    ends = {"difference": found.mean if found else np.nan, "low": low, "high": high}
    return {"arm": standing.arm, "mean": standing.mean, **ends, "configurations": found.units if found else np.nan}
