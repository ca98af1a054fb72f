"""How well each arrival of classes was answered after each stage, and the field's measures of that.

R[i, j] is the accuracy on the classes of arrival j at the end of stage i, as evaluations logged it.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from harness.reporting.data.columns import RUN
from harness.reporting.data.study_data import StudyData

__all__ = [
    "CELL",
    "MEASURES",
    "accuracy_matrices",
    "arrival_measures",
    "class_accuracies",
    "evaluations_by_arrival",
    "forward_transfers",
    "intransigence",
    "means_by_arm",
    "reference_arms",
]

BY_ARRIVAL, OF_CLASS = "val/accuracy_by_arrival/", "val/accuracy_of_class/"
GROWN, UNTRAINED = "growth/parameters_added", "growth/untrained_accuracy"
CELL = ["stage", "arrival"]
MEASURES = (
    *("average_accuracy", "learned", "forgetting", "backward_transfer"),
    *("before_learning", "min_accuracy", "worst_case_accuracy"),
)


def evaluations_by_arrival(data: StudyData) -> pd.DataFrame:
    """Return `trial, arm, seed, arrival, stage, value` of every evaluation, in order, of the runs that completed."""
    found = _evaluations(data, BY_ARRIVAL)
    # As long as there is one arrival, its accuracy is recorded as the mean alone.
    found = found[found["which"].str.isdecimal() | (found["stage"] == 0)].reset_index(drop=True)
    arrival = found["which"].where(found["which"].str.isdecimal(), "0").astype(int)
    return found.assign(arrival=arrival)[[*RUN, "arrival", "stage", "value"]]


def class_accuracies(data: StudyData) -> pd.DataFrame:
    """Return `arm, class, stage, value`: how well each class was answered at the end of each stage, means over runs.

    Only runs that record classes have them.
    """
    found = _evaluations(data, OF_CLASS)
    ends = found.groupby([*RUN, "which", "stage"])["value"].last().reset_index()
    return means_by_arm(ends.assign(**{"class": ends["which"].astype(int)}).drop(columns="which"), ["class", "stage"])


def _evaluations(data: StudyData, prefix: str) -> pd.DataFrame:
    """Return `trial, arm, seed, which, stage, value` of the series that begin with `prefix`; `which` is their rest."""
    curves = _completed(data)
    names = [name for name in map(str, curves["name"].unique()) if name.startswith(prefix)]
    steps = _growth_steps(curves)
    parts = []
    for key, series in curves[curves["name"].isin(names)].groupby([*RUN, "name"], observed=True):
        stage = _stages(series, steps.get(key[:3], ()))
        part = pd.DataFrame(dict(zip(RUN, key, strict=False)), index=range(len(series)))
        which = str(key[3]).removeprefix(prefix)
        parts.append(part.assign(which=which, stage=stage, value=series["value"].to_numpy()))
    columns = [*RUN, "which", "stage", "value"]
    return (
        pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns).astype({"which": str})
    )


def _completed(data: StudyData) -> pd.DataFrame:
    """Return the curves of the runs that completed."""
    return data.curves[data.curves["run_id"].isin(data.runs.loc[data.runs["status"] == "completed", "run_id"])]


def _growth_steps(curves: pd.DataFrame) -> dict[Any, Sequence[int]]:
    """Return the steps of the growths of each run, by trial, arm and seed."""
    growths = curves.loc[curves["name"] == GROWN, [*RUN, "step"]].astype({"arm": "str"})
    steps: dict[Any, Sequence[int]] = growths.groupby(RUN)["step"].apply(np.array).to_dict()
    return steps


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


def forward_transfers(data: StudyData, evaluations: pd.DataFrame) -> pd.DataFrame:
    """Return `trial, arm, seed, forward_transfer` of the runs that recorded what an untrained network answers.

    It is the mean over arrivals but the first of the first accuracy after they came, before an update, minus that of an
    untrained network that grew alike (Lopez-Paz and Ranzato 2017, arXiv 1706.08840).
    """
    curves = _completed(data)
    steps, logged = _growth_steps(curves), curves.loc[curves["name"] == UNTRAINED, [*RUN, "step", "value"]]
    first = evaluations.groupby([*RUN, "arrival"])["value"].first()
    rows = []
    for trial, arm, seed, step, untrained in logged.itertuples(index=False):
        arrival = int(np.searchsorted(steps[trial, str(arm), seed], step)) + 1
        rows.append((trial, str(arm), seed, first.get((trial, str(arm), seed, arrival), np.nan) - untrained))
    found = pd.DataFrame(rows, columns=[*RUN, "forward_transfer"])
    return found.groupby(RUN)["forward_transfer"].mean().reset_index()


def reference_arms(data: StudyData) -> tuple[str, ...]:
    """Return the arms whose runs train on all examples of all classes that have come, each alike."""
    if "config" not in data.runs:
        return ()
    kept = data.runs["config"].map(lambda config: _keeps_all(json.loads(config)["training"]))
    by_arm = kept.groupby(data.runs["arm"].astype(str), sort=False).all()
    return tuple(str(arm) for arm, all_of_them in by_arm.items() if all_of_them)


def _keeps_all(training: Mapping[str, Any]) -> bool:
    memory = training.get("memory") or {"kind": "all_examples"}
    apart = memory.get("fraction") is not None or memory.get("per_batch") is not None
    return training.get("replay") is None and memory["kind"] == "all_examples" and not apart


def intransigence(evaluations: pd.DataFrame, references: Sequence[str]) -> dict[str, float]:
    """Return by arm how much less it learned of the arrivals but the first than an arm that trains on all examples.

    That is the mean of R*[k, k] - R[k, k] (Chaudhry et al. 2018, arXiv 1801.10112). Of several `references` it is the
    one that learned most. Empty without any.
    """
    ends = accuracy_matrices(evaluations)
    own = ends.groupby([*RUN, "arrival"])["value"].first().reset_index()  # stages are in order
    learned = means_by_arm(own[own["arrival"] > 0].groupby(RUN)["value"].mean().reset_index()).set_index("arm")["value"]
    known = [arm for arm in references if arm in learned.index]
    if not known:
        return {}
    return {str(arm): float(learned[known].max() - value) for arm, value in learned.items()}
