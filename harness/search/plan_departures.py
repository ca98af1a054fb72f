"""Whether the runs of a report are those that its study plans: none missing, added, renumbered or of another seed."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from harness.core.spec import flatten
from harness.search.replay import replayed_runs
from harness.search.run_request import RunRequest
from harness.search.study import Study
from harness.staging.ledger import RunKey, RunRecord
from harness.staging.run import RunConfig
from harness.staging.run_name import run_name

__all__ = ["PlanDepartures", "plan_departures"]

NEAR = 1e-9  # another machine's logarithm may round a proposed value otherwise


@dataclass(frozen=True)
class PlanDepartures:
    """In what the runs of a report are not those that its study plans, a line each.

    Attributes:
        keys: runs that are missing or were added.
        values: trials with other configurations than are proposed.
        unknown: why a part of the plan is not known; empty if all of it is.
    """

    keys: tuple[str, ...]
    values: tuple[str, ...]
    unknown: str = ""


def plan_departures(study: Study, runs: Sequence[RunRecord], *, trials: int, seeds: int) -> PlanDepartures:
    """Plan a study anew, with the results of its runs where a sampler learned from them, and compare."""
    ended = {run.key: run for run in runs}
    planned, unknown = replayed_runs(study, ended, trials=trials, seeds=seeds)
    missing = [_of(key) for key in planned if key not in ended]
    added = [] if unknown else [_of(key) for key in ended if key not in planned]
    keys = [
        *_line(missing, "planned and not in the report: not ended yet, or left out"),
        *_line(added, "in the report and not planned"),
    ]
    return PlanDepartures(tuple(keys), tuple(_other_values(planned, ended)), unknown)


def _line(runs: Sequence[str], what: str) -> Iterator[str]:
    if runs:
        yield f"{len(runs)} runs are {what}, such as {runs[0]}"


def _of(key: RunKey) -> str:
    return run_name(*key)


def _other_values(planned: Mapping[RunKey, RunRequest], ended: Mapping[RunKey, RunRecord]) -> Iterator[str]:
    """Yield the trials whose configuration is not the one that is proposed, once each, whatever their seeds."""
    of_trial = {(run.trial, run.arm): run for run in planned.values()}
    said = set()
    for key, record in sorted(ended.items()):
        run = of_trial.get(key[:2])
        if run is None or run.trial in said or _is_planned(planned.get(key), run, record):
            continue
        said.add(run.trial)
        other = {
            one.trial for one in planned.values() if one.trial != run.trial and _are_near(one.params, record.params)
        }
        renumbered = f": it is the one of trial {min(other)}" if other else ""
        yield f"{_of(key)} does not have the configuration that the study proposes{renumbered}"


def _is_planned(same: RunRequest | None, of_trial: RunRequest, record: RunRecord) -> bool:
    """Whether a record has the values of its trial, and the configuration of the `same` run, if that is planned."""
    if not _are_near(of_trial.params, record.params):
        return False
    if same is None:
        return True  # a seed that was not planned, which is said elsewhere
    try:
        return _are_near(same.config.to_json(), RunConfig.model_validate(record.config).to_json())
    except ValidationError:
        return False


def _are_near(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    flat, found = flatten(dict(one)), flatten(dict(other))
    return flat.keys() == found.keys() and all(_is_near(value, found[name]) for name, value in flat.items())


def _is_near(value: Any, found: Any) -> bool:
    if isinstance(value, list | tuple) and isinstance(found, list | tuple):
        return len(value) == len(found) and all(map(_is_near, value, found))
    if isinstance(value, float) and isinstance(found, float):
        return math.isclose(value, found, rel_tol=NEAR)
    return bool(value == found)
