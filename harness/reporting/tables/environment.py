"""What the report was written with, and what its runs were trained with."""

import json
from collections.abc import Iterator

import pandas as pd

from harness.core.spec import flatten
from harness.reporting.context import ReportContext
from harness.reporting.data.columns import MACHINE
from harness.reporting.tables._base import ReportTable, table_of_words

__all__ = ["environment_table"]


def environment_table(context: ReportContext) -> ReportTable | None:
    """List what the report was written with; of the runs' machines all that is known, and how many runs had which."""
    found = context.environment
    rows = [(str(name).removeprefix("packages."), str(value)) for name, value in flatten(dict(found)).items()]
    rows += [(f"runs: {name}", value) for name, value in _machines(context.whole.runs)]
    return table_of_words("environment", "What this report was written with", ("what", "version"), rows)


def _machines(runs: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Yield each thing that runs were trained with, with its value, or its values and how many runs had each."""
    told = [flatten(json.loads(text)) for text in runs[MACHINE] if isinstance(text, str)] if MACHINE in runs else []
    for name in dict.fromkeys(name for one in told for name in one):
        values = pd.Series([_text(one.get(name, "unknown")) for one in told]).value_counts(sort=False)
        if len(values) == 1:
            yield name, str(values.index[0])
        else:
            yield name, "; ".join(f"{value} ({count:,} runs)" for value, count in values.items())


def _text(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
