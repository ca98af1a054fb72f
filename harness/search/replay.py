"""What a study plans, once the results of its runs are known: every configuration and seed, proposed anew."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from harness.core.errors import HarnessError
from harness.search.objective import means_over_runs
from harness.search.run_request import RunRequest
from harness.search.samplers import PastTrial
from harness.search.study import Study
from harness.search.trial_schedule import TrialRuns, preview_trials
from harness.staging.ledger import RunKey, RunRecord

__all__ = ["replayed_runs"]


def replayed_runs(
    study: Study, ended: Mapping[RunKey, RunRecord], *, trials: int, seeds: int
) -> tuple[dict[RunKey, RunRequest], str]:
    """Return the runs of a study as they would be planned anew, by key, and why later ones are not known, if so.

    A sampler that learns is given the results in `ended`; so is the choice of the winners that are confirmed. What
    follows from results that are missing, or that were recorded at a pruner's rungs alone, is not known.
    """
    parts = study.design.parts(list(study.arms))
    preview = preview_trials(study, trials=trials, seeds=seeds)
    searched: list[list[TrialRuns]] = [[] for _ in parts]
    planned: dict[RunKey, RunRequest] = {}
    try:
        for position, trial in enumerate(preview):
            part, before = parts[position % len(parts)], searched[position % len(parts)]
            proposed = trial
            if position >= trials * len(parts):
                proposed = _with_params(study, trial, _winner(study, before, ended))
            elif study.sampler.learns:
                past = [_past_trial(study, one, ended) for one in before]
                proposed = _with_params(study, trial, study.point(trial.number, past, stream=part.stream))
            before.append(proposed)
            planned |= {run.key: run for run in proposed.runs}
    except HarnessError as error:
        return planned, str(error)
    return planned, ""


def _with_params(study: Study, trial: TrialRuns, params: Mapping[str, Any]) -> TrialRuns:
    runs = (replace(run, params=dict(params), config=study.config(params, run.arm, run.seed)) for run in trial.runs)
    return replace(trial, runs=tuple(runs))


def _past_trial(study: Study, trial: TrialRuns, ended: Mapping[RunKey, RunRecord]) -> PastTrial:
    """Return what Optuna was told of a trial.

    Raises:
        HarnessError: its runs have not ended, or it was pruned.
    """
    runs = [ended[run.key] for run in trial.runs if run.key in ended]
    if len(runs) < len(trial.runs) or any(run.status == "pruned" for run in runs):
        raise HarnessError(f"what trial {trial.runs[0].trial} came to is not recorded")
    completed = [run.metrics for run in runs if run.status == "completed"]
    values = means_over_runs(study.objective_directions, completed)
    given = trial.number < len(study.baselines)
    return PastTrial(trial.runs[0].params, values[0] if values else None, given, others=values[1:] if values else ())


def _winner(study: Study, trials: Sequence[TrialRuns], ended: Mapping[RunKey, RunRecord]) -> Mapping[str, Any]:
    """Return the searched values of the best trial on validation data; the first of several.

    Raises:
        HarnessError: a run of the search has not ended, or none completed.
    """
    metric, sign = f"val/{study.metric}", 1 if study.direction == "maximize" else -1
    values: dict[int, float] = {}
    for place, trial in enumerate(trials):
        runs = [ended[run.key] for run in trial.runs if run.key in ended]
        if len(runs) < len(trial.runs):
            raise HarnessError(f"what trial {trial.runs[0].trial} came to is not recorded")
        known = [run.metrics[metric] for run in runs if run.status == "completed" and metric in run.metrics]
        if known and not any(run.status == "pruned" for run in runs):
            values[place] = sign * fmean(known)
    if not values:
        raise HarnessError("no configuration of a search completed")
    return trials[max(values, key=lambda place: values[place])].runs[0].params
