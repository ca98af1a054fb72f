"""Studies that tune each arm on its own: what of them is compared, and what the searches were.

The units of the comparison are the replicates: independent searches, whose winners were trained with fresh seeds and
scored once on test data. To whom compares, they are a study of as many configurations, one of each replicate; how an
arm's values came about is part of the arm.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from harness.reporting.data.study_data import PARAM, StudyData
from harness.reporting.data.wording import number, setting
from harness.reporting.tables._base import Table, table_of_numbers
from harness.staging.study_spec import StudySpec

__all__ = ["confirmed", "tuned_tables"]

STEPS, SECONDS = "cost/steps", "cost/seconds"


def confirmed(data: StudyData) -> StudyData:
    """Return what is compared: of a study that tunes each arm, the runs that confirm; all runs of any other."""
    design = data.study.spec.design
    if not design.confirms:
        return data
    first, last = _first_confirmation(data), design.replicates
    changes: dict[str, Any] = {"space": {}, "sampler": {}, "baselines": [], "design": {}, "pruner": None}
    study = replace(
        data.study,
        trials=last,
        seeds=design.confirmation,
        spec=StudySpec({**data.study.spec, **changes}),
    )
    params = [name for name in data.runs if str(name).startswith(PARAM)]
    runs = data.runs[data.runs["trial"] >= first].drop(columns=params).reset_index(drop=True)
    curves = data.curves[data.curves["trial"] >= first].reset_index(drop=True)
    lost = tuple(run for run in data.lost if run in set(runs["run_id"]))
    return replace(
        data,
        study=study,
        runs=runs.assign(trial=runs["trial"] - first),
        curves=curves.assign(trial=curves["trial"] - first),
        lost=lost,
        searched=data,
    )


def tuned_tables(data: StudyData) -> dict[str, Table]:
    """Return what the searches spent and found, by name; nothing for a study that does not tune each arm."""
    tables = (_winners_table(data), _search_table(data)) if data.study.spec.design.confirms else ()
    return {table.name: table for table in tables}


def _winners_table(data: StudyData) -> Table:
    """List the winner of each search, with its value there and its mean over the runs that confirm it."""
    val, test = (f"{split}/{data.study.spec.metric}" for split in ("val", "test"))
    searched, confirming = _searched(data), confirmed(data).runs
    records = []
    for _, found in searched.groupby(["replicate", "arm"], sort=True):
        replicate, arm = int(found["replicate"].iloc[0]), str(found["arm"].iloc[0])
        again = data.runs[(data.runs["trial"] == _first_confirmation(data) + replicate) & (data.runs["arm"] == arm)]
        if not len(again):
            continue
        params = {name.removeprefix(PARAM): again[name].iloc[0] for name in map(str, again) if name.startswith(PARAM)}
        same = np.logical_and.reduce([found[PARAM + name] == value for name, value in params.items()] or [[True]])
        scores = confirming.loc[(confirming["trial"] == replicate) & (confirming["arm"] == arm), test]
        records.append(
            {"search": replicate, "arm": arm, **params, val: float(found.loc[same, val].mean()), test: scores.mean()}
        )
    rows = [_said(record, data) for record in records]
    left = 2 + len(data.labels)
    return table_of_numbers("winners", "The winner of each search", rows, pd.DataFrame(records), left=left)


def _search_table(data: StudyData) -> Table:
    """Say what the searches of each arm spent: as many trials, and in updates and seconds?"""
    searched = _searched(data)
    records: list[dict[str, str | float]] = [
        {
            "arm": str(arm),
            "searches": int(runs["replicate"].nunique()),
            "trials": int(runs.drop_duplicates(["trial"])["trial"].size),
            "runs": len(runs),
            "updates": float(runs[STEPS].sum()) if STEPS in runs else np.nan,
            "seconds": float(runs[SECONDS].sum()) if SECONDS in runs else np.nan,
        }
        for arm, runs in searched.groupby("arm", sort=True)
    ]
    rows = [{name: value if isinstance(value, str) else number(value, 0) for name, value in r.items()} for r in records]
    return table_of_numbers("searches", "What the search for each arm's best spent", rows, pd.DataFrame(records))


def _said(record: Mapping[str, Any], data: StudyData) -> dict[str, str]:
    said = {}
    for name, value in record.items():
        if name in (f"val/{data.study.spec.metric}", f"test/{data.study.spec.metric}"):
            measure = data.measure(name)
            said[f"{measure.title}{f', {measure.level_unit}' if measure.level_unit else ''}"] = measure.level(value)
        else:
            said[name] = setting(value)
    return said


def _first_confirmation(data: StudyData) -> int:
    return data.study.trials * data.study.spec.design.replicates


def _searched(data: StudyData) -> pd.DataFrame:
    """Return the runs of the searches, each with the replicate that it belongs to."""
    runs = data.runs[data.runs["trial"] < _first_confirmation(data)]
    return runs.assign(replicate=runs["trial"] % data.study.spec.design.replicates)
