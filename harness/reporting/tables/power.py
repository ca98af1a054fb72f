"""The table of what more data would buy: the numbers that `harness power` gives, with this study as the pilot."""

from dataclasses import asdict

import pandas as pd

from harness.core.errors import InputError
from harness.core.seed_layout import LAYOUTS
from harness.reporting.analysis.sample_size import SampleSize, sample_size_of
from harness.reporting.context import ReportContext
from harness.reporting.data.wording import count
from harness.reporting.tables._base import ReportTable, table_of_numbers

__all__ = ["power_table"]


UNSETTLED = ("inconclusive", "not enough data", "better, possibly trivially", "worse, possibly trivially")


def power_table(context: ReportContext) -> ReportTable | None:
    """Return the table; none where the answer is there, no effect is looked for, or nothing is known of the spread."""
    data = context.data
    if context.verdict.kind not in UNSETTLED:
        return None
    try:
        needed = sample_size_of(data)
    except InputError:
        return None
    if not needed.spread.observed > 0:
        return None
    rows = [
        {
            "seeds": f"{option.seeds}",
            "configurations": _said(option.configurations),
            "configurations, cautiously": _said(option.cautious),
            "runs, cautiously": _said(option.runs),
            "configurations that show equivalence": _said(option.equivalence),
        }
        for option in needed.options
    ]
    frame = pd.DataFrame([asdict(option) for option in needed.options]).astype("Int64")
    note = _note(needed) + _beside_verdict(context.judged.settles_at, context.comparison.unit)
    return table_of_numbers("power", "What would settle it", rows, frame, note=note)


def _beside_verdict(settles_at: int | None, unit: str) -> str:
    """Say why the verdict names another number."""
    if settles_at is None:
        return ""
    return (
        f" The verdict's {count(settles_at, unit)} settle it whatever the true difference is: from there on an "
        "interval cannot both hold zero and reach past the smallest effect."
    )


def _said(amount: int | None) -> str:
    return "> 10,000" if amount is None else f"{amount:,}"


def _note(needed: SampleSize) -> str:
    return (
        f"How many configurations find a difference of {needed.measure.size(needed.effect)}, the smallest that "
        f"matters, in {100 * needed.power:.0f} of 100 studies (two-sided test at 5 %), by seeds of each, where "
        f"configurations have {LAYOUTS[needed.layout]}. Cautiously: "
        "if configurations differ as much more than here as they well may after so few. The last column: to show that "
        "there is less than that, if there is nothing. This study is the pilot; harness power takes other effects."
    )
