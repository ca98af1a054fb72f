"""The winner of each search, with its value there and its mean over the runs that confirm it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from harness.reporting.analysis.tuned import first_confirmation, runs_of_searches
from harness.reporting.context import ReportContext
from harness.reporting.data.columns import PARAM
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import setting
from harness.reporting.tables._base import ReportTable, table_of_numbers

__all__ = ["winners_table"]


def winners_table(context: ReportContext) -> ReportTable | None:
    """List the winner of each search, with its value there and its mean over the runs that confirm it."""
    data = context.whole
    if not data.study.spec.design.confirms:
        return None
    val, test = (f"{split}/{data.study.spec.metric}" for split in ("val", "test"))
    searched, confirming = runs_of_searches(data), context.data.runs
    records = []
    for _, found in searched.groupby(["replicate", "arm"], sort=True):
        replicate, arm = int(found["replicate"].iloc[0]), str(found["arm"].iloc[0])
        again = data.runs[(data.runs["trial"] == first_confirmation(data) + replicate) & (data.runs["arm"] == arm)]
        if not len(again):
            continue
        params = {name.removeprefix(PARAM): again[name].iloc[0] for name in map(str, again) if name.startswith(PARAM)}
        same = np.logical_and.reduce([found[PARAM + name] == value for name, value in params.items()] or [[True]])
        scores = confirming.loc[(confirming["trial"] == replicate) & (confirming["arm"] == arm), test]
        records.append(
            {"search": replicate, "arm": arm, **params, val: float(found.loc[same, val].mean()), test: scores.mean()}
        )
    rows = [_written(record, data) for record in records]
    left = 2 + len(data.labels)
    return table_of_numbers("winners", "The winner of each search", rows, pd.DataFrame(records), left=left)


def _written(record: Mapping[str, Any], data: StudyData) -> dict[str, str]:
    said = {}
    for name, value in record.items():
        if name in (f"val/{data.study.spec.metric}", f"test/{data.study.spec.metric}"):
            measure = data.measure(name)
            said[f"{measure.title}{f', {measure.level_unit}' if measure.level_unit else ''}"] = measure.level(value)
        else:
            said[name] = setting(value)
    return said
