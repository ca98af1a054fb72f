"""From the ledger and the stored histories to tidy frames."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.core.errors import StudyNotFoundError
from harness.core.history import History, Series
from harness.core.spec import did_you_mean
from harness.staging.histories import run_history, store_folder
from harness.staging.ledger import Ledger, RunRecord, StudyRecord

__all__ = ["PARAM", "StudyData", "collect"]

PARAM = "param/"
RUN_COLUMNS = ("trial", "arm", "seed", "run_id", "status", "reason", "fork", "growth_step", "parameters_added")
CURVE_COLUMNS = ("run_id", "trial", "arm", "seed", "name", "grown", "step", "steps_since_growth", "value")


@dataclass(frozen=True)
class StudyData:
    """A study and what its runs have left behind.

    Attributes:
        runs: one row a run that has ended, by trial, arm and seed. `fork` names the stored state from which the run
            went on after its first growth; searched values are in `param/<label>`, metrics under their own names.
        curves: one row a run, series and step. `grown` tells the two values at the step of the growth apart.
            Training losses are means over the steps since the evaluation before.
        lost: run ids whose histories the store no longer has.
    """

    study: StudyRecord
    runs: pd.DataFrame
    curves: pd.DataFrame
    lost: tuple[str, ...] = ()

    @property
    def labels(self) -> list[str]:
        """The names of the searched fields."""
        return list(self.study.spec["space"])

    @property
    def metrics(self) -> list[str]:
        """The metrics that any run has."""
        return [name for name in map(str, self.runs.columns) if "/" in name and not name.startswith(PARAM)]

    @property
    def arms(self) -> list[str]:
        """The arms; the two that are compared come first."""
        return list(dict.fromkeys([*self.study.spec["comparison"], *self.study.spec["arms"]]))


def collect(home: Path, study: str) -> StudyData:
    """Read everything a report needs from the home folder.

    Raises:
        StudyNotFoundError: no study of that name was begun in this home.
    """
    ledger = Ledger(home)
    record = ledger.study(study) if ledger.exists else None
    if record is None:
        begun = [known.name for known in ledger.studies()] if ledger.exists else []
        raise StudyNotFoundError(f"no study {study!r} was begun in {home}.{did_you_mean(study, begun)}")
    runs = ledger.runs(study)
    curves, lost = _curves(store_folder(home, record), runs)
    return StudyData(record, _runs_frame(runs, list(record.spec["space"])), curves, lost)


def _runs_frame(runs: list[RunRecord], labels: list[str]) -> pd.DataFrame:
    metrics = sorted({name for run in runs for name in run.metrics})
    rows = [
        [
            *(run.trial, run.arm, run.seed, run.run_id, run.status, run.reason, _fork(run)),
            *(_first_growth(run, "step"), _first_growth(run, "parameters_added")),
            *(run.params.get(label) for label in labels),
            *(run.metrics.get(name, np.nan) for name in metrics),
        ]
        for run in runs
    ]
    return pd.DataFrame(rows, columns=[*RUN_COLUMNS, *(PARAM + label for label in labels), *metrics])


def _fork(run: RunRecord) -> str:
    return f"{run.stages[0].key}@{run.stages[0].step}" if len(run.stages) > 1 else ""


def _first_growth(run: RunRecord, what: str) -> float:
    return float(run.growths[0].get(what, np.nan)) if run.growths else np.nan


def _curves(store: Path, runs: list[RunRecord]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    columns: dict[str, list[Any]] = {name: [] for name in CURVE_COLUMNS}
    lost = []
    for run in runs:
        try:
            parts = [run_history(store, (address,)) for address in run.stages]
        except FileNotFoundError:
            lost.append(run.run_id)
            continue
        growth = _first_growth(run, "step")
        for stage, part in enumerate(parts):
            for name, series in _series(part):
                size = len(series.steps)
                steps = np.asarray(series.steps, dtype=np.int64)
                for column, value in zip(
                    CURVE_COLUMNS[:6], (run.run_id, run.trial, run.arm, run.seed, name, stage > 0), strict=True
                ):
                    columns[column].append(np.full(size, value))
                columns["step"].append(steps)
                columns["steps_since_growth"].append(steps - growth)
                columns["value"].append(np.asarray(series.values, dtype=np.float64))
    joined: dict[str, Any] = {name: np.concatenate(parts) if parts else [] for name, parts in columns.items()}
    return pd.DataFrame(joined, columns=list(CURVE_COLUMNS)), tuple(lost)


def _series(history: History) -> Iterator[tuple[str, Series]]:
    evaluated = sorted({step for name in history if name.startswith("val/") for step in history[name].steps})
    for name in history:
        if name.startswith("val/"):
            yield name, history[name]
        elif name.startswith("train/loss/"):
            yield name, _averaged(history[name], evaluated)


def _averaged(series: Series, ends: list[int]) -> Series:
    """Return the means of `series` over the steps up to each of `ends`; fewer points than ends stay as they are."""
    if len(series.steps) <= len(ends) or not ends:
        return series
    edges = np.unique([*ends, max(series.steps)])
    place = np.searchsorted(edges, series.steps)
    amounts = np.bincount(place, minlength=len(edges))
    sums = np.bincount(place, weights=series.values, minlength=len(edges))
    filled = amounts > 0
    return Series(edges[filled].tolist(), (sums[filled] / amounts[filled]).tolist())
