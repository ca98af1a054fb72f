"""Means of the configurations that every arm completed."""

import numpy as np
import pandas as pd

from harness.reporting.data.study_data import StudyData

__all__ = ["complete_means"]


def complete_means(data: StudyData, metrics: list[str]) -> pd.DataFrame:
    """Return `arm, trial` and the means over seeds of `metrics`, of the configurations that every arm completed.

    An arm none of whose runs has all metrics is left out.
    """
    finite = np.isfinite(data.runs[metrics].to_numpy(np.float64)).all(axis=1)
    runs = data.runs[(data.runs["status"] == "completed") & finite]
    means = runs.groupby(["arm", "trial"])[metrics].mean().reset_index()
    under = means.groupby("trial")["arm"].transform("nunique")
    complete: pd.DataFrame = means[under == means["arm"].nunique()]
    return complete.reset_index(drop=True)
