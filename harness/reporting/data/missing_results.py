"""Runs without a result: which of them are results all the same, and what they count as.

A run that diverged was treated as its arm treats runs, and came to nothing; to leave it out would flatter an arm that
fails more often. So it counts, with the value of a guess. A run that never ended, or whose machine failed, says
nothing about its arm and counts nowhere.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.staging.study_spec import StudySpec

__all__ = ["DIVERGED", "diverged", "failure_value", "results_of"]

DIVERGED = "diverged"


def diverged(runs: pd.DataFrame) -> pd.Series:
    """Return which runs failed because a loss became NaN or infinite."""
    failed = runs["status"] == "failed"
    if not failed.any() or "reason" not in runs:
        return failed & False
    return failed & runs["reason"].astype(str).str.lower().str.startswith(DIVERGED)


def failure_value(spec: StudySpec, metric: str) -> float | None:
    """Return what a diverged run counts as on `metric`, such as `test/accuracy/all`, by the study's spec as JSON.

    That is the spec's `failure_value`, if it has one and `metric` is the one that decides. Otherwise it is the accuracy
    of a guess among the classes of all heads, which is how accuracies are measured; and None, so that diverged runs are
    left out, for metrics that have no such natural floor.
    """
    split, _, name = metric.partition("/")
    if spec.failure_value is not None and name == spec.metric:
        return spec.failure_value
    if not name.startswith("accuracy/") or split not in ("test", "val"):
        return None
    heads = spec.task.get("classes") or {}
    classes = sum(len(labels) for labels in heads.values())
    return 1 / classes if classes else 0.0


def results_of(runs: pd.DataFrame, metric: str, failed_as: float | None = None) -> NDArray[np.float64]:
    """Return what each run counts as on `metric`, `[runs]`; NaN where it counts nowhere.

    A run that diverged counts as `failed_as`, if that is given.
    """
    if metric in runs:
        values: NDArray[np.float64] = runs[metric].to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    else:
        values = np.full(len(runs), np.nan)
    values[(runs["status"] != "completed").to_numpy() | ~np.isfinite(values)] = np.nan
    if failed_as is not None:
        values[diverged(runs).to_numpy()] = failed_as
    return values
