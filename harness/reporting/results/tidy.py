"""Runs and curves as tidy data frames, without what reports keep to be checked against."""

import pandas as pd

from harness.reporting.data.columns import FIXED, PARAM
from harness.reporting.data.study_data import StudyData

__all__ = ["tidy_curves", "tidy_runs"]

ABOUT = tuple(name for name in FIXED if name != "fork")


def tidy_runs(data: StudyData) -> pd.DataFrame:
    """Return one row a run that has ended: what names it, how it ended, the searched values, and its metrics.

    A searched value stands under its name in the space, with `param/` before it where a column has that name already.
    """
    taken = {*ABOUT, *data.metrics}
    params = {PARAM + label: PARAM + label if label in taken else label for label in data.labels}
    frame = data.runs[[*ABOUT, *params, *data.metrics]].rename(columns=params)
    return frame.reset_index(drop=True)


def tidy_curves(data: StudyData) -> pd.DataFrame:
    """Return one row a run, series and step: `trial, arm, seed, name, step, steps_since_growth, grown, value`.

    `grown` tells the two values at the step of a growth apart. Training losses are means over the steps since the
    evaluation before.
    """
    columns = ["run_id", "trial", "arm", "seed", "name", "step", "steps_since_growth", "grown", "value"]
    return data.curves[columns].reset_index(drop=True)
