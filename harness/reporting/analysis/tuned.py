"""Studies that tune each arm on its own: what of them is compared, and what the searches were.

The units of the comparison are the replicates: independent searches, whose winners were trained with fresh seeds and
scored once on test data. To whom compares, they are a study of as many configurations, one of each replicate; how an
arm's values came about is part of the arm.
"""

from dataclasses import replace
from typing import Any

import pandas as pd

from harness.reporting.data.columns import PARAM
from harness.reporting.data.study_data import StudyData
from harness.staging.study_spec import StudySpec

__all__ = ["confirmed", "first_confirmation", "runs_of_searches"]


def confirmed(data: StudyData) -> StudyData:
    """Return what is compared: of a study that tunes each arm, the runs that confirm; all runs of any other."""
    design = data.study.spec.design
    if not design.confirms:
        return data
    first, last = first_confirmation(data), design.replicates
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


def first_confirmation(data: StudyData) -> int:
    """Return the number of the trial that confirms the winners of the first replicate."""
    return data.study.trials * data.study.spec.design.replicates


def runs_of_searches(data: StudyData) -> pd.DataFrame:
    """Return the runs of the searches, each with the replicate that it belongs to."""
    runs = data.runs[data.runs["trial"] < first_confirmation(data)]
    return runs.assign(replicate=runs["trial"] % data.study.spec.design.replicates)
