"""How well each arrival of classes was answered after each stage, and the field's measures of that.

R[i, j] is the accuracy on the classes of arrival j at the end of stage i, as evaluations logged it.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from harness.reporting.data.columns import RUN
from harness.reporting.data.study_data import StudyData

__all__ = ["CELL", "MEASURES", "accuracy_matrices", "arrival_measures", "evaluations_by_arrival", "means_by_arm"]

BY_ARRIVAL = "val/accuracy_by_arrival/"
GROWN = "growth/parameters_added"
CELL = ["stage", "arrival"]
MEASURES = (
    *("average_accuracy", "learned", "forgetting", "backward_transfer"),
    *("before_learning", "min_accuracy", "worst_case_accuracy"),
)


def evaluations_by_arrival(data: StudyData) -> pd.DataFrame:
    """Return `trial, arm, seed, arrival, stage, value` of every evaluation, in order, of the runs that completed."""
    completed = set(data.runs.loc[data.runs["status"] == "completed", "run_id"])
    curves = data.curves[data.curves["run_id"].isin(completed)]
    names = [name for name in map(str, curves["name"].unique()) if name.startswith(BY_ARRIVAL)]
    growths = curves.loc[curves["name"] == GROWN, [*RUN, "step"]].astype({"arm": "str"})
    steps = growths.groupby(RUN)["step"].apply(np.array).to_dict()
    parts = []
    for key, series in curves[curves["name"].isin(names)].groupby([*RUN, "name"], observed=True):
        which, stage = str(key[3]).removeprefix(BY_ARRIVAL), _stages(series, steps.get(key[:3], np.empty(0)))
        part = pd.DataFrame(dict(zip(RUN, key, strict=False)), index=range(len(series)))
        part = part.assign(
            arrival=int(which) if which.isdecimal() else 0, stage=stage, value=series["value"].to_numpy()
        )
        # As long as there is one arrival, its accuracy is recorded as the mean alone.
        parts.append(part if which.isdecimal() else part[part["stage"] == 0])
    columns = [*RUN, "arrival", "stage", "value"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _stages(series: pd.DataFrame, growths: Sequence[int]) -> np.ndarray:
    """Return the stage of each value; at the step of a growth the first value is of the stage before."""
    step = series["step"].to_numpy()
    again = np.concatenate([[False], step[1:] == step[:-1]]) if len(step) else np.empty(0, bool)
    # A value at the step of a growth that the series has not yet had before it, is of the stage after.
    stage: np.ndarray = np.searchsorted(growths, step, side="left") + (
        again | (step == step[0]) & np.isin(step, growths)
    )
    return stage


def accuracy_matrices(evaluations: pd.DataFrame) -> pd.DataFrame:
    """Return R of every run, `trial, arm, seed, stage, arrival, value`: the last value of each stage."""
    return evaluations.groupby([*RUN, *CELL])["value"].last().reset_index()


def means_by_arm(table: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """Return `arm`, `by` and the means of the other columns over configurations, after means over seeds."""
    over_seeds = table.drop(columns="seed").groupby(["arm", *by, "trial"]).mean().reset_index()
    return over_seeds.drop(columns="trial").groupby(["arm", *by]).mean().reset_index()


def arrival_measures(evaluations: pd.DataFrame) -> pd.DataFrame:
    """Return one row a run to which classes came at least twice: `trial, arm, seed` and `MEASURES`, as fractions.

    With k arrivals, the last of which came at stage s(k):

    - `average_accuracy`: the mean over arrivals of R at the end; `learned`: of R at the end of an arrival's own stage.
    - `forgetting`: the mean over arrivals but the last of the best R before the last stage, minus that at the end
      (Chaudhry et al. 2018, arXiv 1801.10112).
    - `backward_transfer`: the mean over the same of R at the end minus R at the end of the own stage (Lopez-Paz and
      Ranzato 2017, arXiv 1706.08840).
    - `before_learning`: the mean over arrivals but the first of the first accuracy after they came, before an update:
      forward transfer, but for the accuracy of an untrained network, which no run logs (the same source).
    - `min_accuracy`: the mean over arrivals but the last of the lowest accuracy after their own stage; and
      `worst_case_accuracy`: R of the last at the end, weighted by 1 / k, and the former, weighted by 1 - 1 / k
      (min-ACC and WC-ACC of De Lange et al. 2023, arXiv 2205.13452).
    """
    rows = [(*run, *_measured(part)) for run, part in evaluations.groupby(RUN) if part["arrival"].max() > 0]
    return pd.DataFrame(rows, columns=[*RUN, *MEASURES])


def _measured(evaluations: pd.DataFrame) -> tuple[float, ...]:
    matrix = evaluations.pivot_table(index="stage", columns="arrival", values="value", aggfunc="last")
    own = evaluations.groupby("arrival")["stage"].min()
    end, last = matrix.iloc[-1], own.idxmax()
    learned = pd.Series({arrival: matrix.loc[stage, arrival] for arrival, stage in own.items()})
    old = own.index != last
    best = matrix.iloc[:-1].max()
    later = evaluations[evaluations["stage"] > evaluations["arrival"].map(own)]
    lowest = later.groupby("arrival")["value"].min()[own.index[old]].mean()
    first = evaluations.groupby("arrival")["value"].first().iloc[1:].mean()
    share = 1 / len(own)
    return (
        *(end.mean(), learned.mean(), (best - end)[old].mean(), (end - learned)[old].mean()),
        *(first, lowest, share * end[last] + (1 - share) * lowest),
    )
