"""The table of what the difference is at each value of each searched field: where, when and how wide."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from harness.reporting.context import ReportContext
from harness.reporting.data.columns import PARAM, is_absent
from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import NOTHING, p_value, setting
from harness.reporting.statistics import groups_differ_p, holm, mean_estimate
from harness.reporting.tables._base import ReportTable, table_of_numbers

__all__ = ["effects_by_field_table"]

MOST_VALUES = 6  # of a number; more are put into thirds
ABSENT = "does not exist"


def effects_by_field_table(context: ReportContext) -> ReportTable | None:
    """Return the table, or none where no searched field takes two values among the compared configurations."""
    data, comparison, measure = context.data, context.comparison, context.measure
    found = comparison.configurations.set_index("trial")["difference"]
    rows = data.runs.drop_duplicates("trial").set_index("trial").loc[found.index]
    fields = {
        label: found.groupby(_values(rows[PARAM + label].tolist(), _options(data, label))) for label in data.labels
    }
    fields = {label: groups for label, groups in fields.items() if groups.ngroups > 1}
    if not fields:
        return None
    adjusted = holm([groups_differ_p([group.tolist() for _, group in groups]) for groups in fields.values()])
    records = [
        {"field": label, "value": value, **_estimated(group), "p_adjusted": p}
        for (label, groups), p in zip(fields.items(), adjusted, strict=True)
        for value, group in groups
    ]
    note = (
        f"Means of {comparison.first} minus {comparison.second} over the configurations with that value, with 95 % t "
        "intervals from five configurations on. p: whether the difference depends on the field at all, by shuffling "
        f"configurations among its values, adjusted after Holm for all {len(fields)} of them. Exploratory: all other "
        "searched fields vary as well."
    )
    shown = [_row(record, measure) for record in records]
    title = "The difference by value of each searched field"
    return table_of_numbers("effects_by_field", title, shown, pd.DataFrame(records), left=2, note=note)


def _options(data: StudyData, label: str) -> list[str]:
    """Return what the options of a choice are called, in the study's order; nothing for other fields."""
    return [setting(option) for option in data.study.spec.space[label].options]


def _values(values: Sequence[Any], options: Sequence[str]) -> pd.Categorical:
    """Return what each value is called, in order; of a number with many values, the third that it lies in."""
    existing = [value for value in values if not is_absent(value)]
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in existing)
    if numbers and len(set(existing)) > MOST_VALUES:
        names, known = _thirds(existing)
        rest = iter(names)
        called = [ABSENT if is_absent(value) else next(rest) for value in values]
    else:
        called = [ABSENT if is_absent(value) else setting(value) for value in values]
        known = [setting(value) for value in sorted(existing)] if numbers else [*options, *map(setting, existing)]
    return pd.Categorical(
        called, categories=[*dict.fromkeys(known), *({ABSENT} & set(called))]
    ).remove_unused_categories()


def _thirds(values: Sequence[float]) -> tuple[list[str], list[str]]:
    """Return for each value what its third is called, and the names of all three."""
    which = np.searchsorted(np.quantile(values, [1 / 3, 2 / 3]), values)
    names = {}
    for third in np.unique(which):
        own = [value for value, place in zip(values, which, strict=True) if place == third]
        names[third] = f"{setting(min(own))} to {setting(max(own))}"
    return [names[third] for third in which], list(names.values())


def _estimated(group: pd.Series) -> dict[str, float]:
    mean = mean_estimate(group.tolist())
    low, high = (mean.interval.low, mean.interval.high) if mean.interval else (np.nan, np.nan)
    return {"difference": mean.mean, "low": low, "high": high, "configurations": mean.units}


def _row(record: dict[str, Any], measure: Measure) -> dict[str, str]:
    unit = f" ({measure.unit})" if measure.unit else ""
    low, high = (measure.difference(record[end]) for end in ("low", "high"))
    return {
        "field": record["field"],
        "value": record["value"],
        f"difference{unit}": measure.difference(record["difference"]),
        "95 % interval": f"{low} to {high}" if np.isfinite(record["low"]) else NOTHING,
        "configurations": str(record["configurations"]),
        "p of the field, adjusted": p_value(record["p_adjusted"]),
    }
