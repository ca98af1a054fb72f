"""Whether Optuna's database has the trials that were written: a damaged file is found, and a flipped bit as well.

Each trial carries digests as attributes: one of its parameters, from when it is proposed, and one of its end. What is
damaged can be set aside, for everything in it follows from the study and the ledger.
"""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from harness.search.trial_storage import open_storage, optuna_file
from harness.staging.sqlite_file import is_damaged
from harness.staging.workspace import Workspace

__all__ = [
    "END",
    "PARAMS",
    "damaged_in",
    "damaged_trials",
    "end_digest",
    "params_digest",
    "set_aside",
]

log = logging.getLogger(__name__)

PARAMS, END = "harness:params_sha256", "harness:end_sha256"


def params_digest(params: Mapping[str, Any]) -> str:
    """Return the SHA-256 over the parameters of a trial."""
    return _digest(sorted((name, _exact(value)) for name, value in params.items()))


def end_digest(state: TrialState, values: Sequence[float] | None = None) -> str:
    """Return the SHA-256 over what a trial came to."""
    return _digest([state.name, [_exact(value) for value in values or ()]])


def damaged_trials(workspace: Workspace) -> list[str]:
    """Return what is damaged in Optuna's database: the whole file, or each trial that is not as it was written."""
    file = optuna_file(workspace)
    if file and not file.is_file():
        return []
    if file and is_damaged(file):
        return [str(file)]
    storage = open_storage(workspace)
    names = optuna.study.get_all_study_names(storage)
    return [which for name in names for which in damaged_in(optuna.load_study(study_name=name, storage=storage))]


def damaged_in(study: optuna.Study) -> list[str]:
    """Return the trials of a study that are not as they were written, or the study, if they cannot be read at all."""
    try:
        trials = study.get_trials(deepcopy=False)
    except (ArithmeticError, LookupError, TypeError, ValueError):  # a choice out of range, JSON that is none
        return [study.study_name]
    return [f"{study.study_name}, trial {trial.number}" for trial in trials if _is_unlike_its_digest(trial)]


def set_aside(path: Path) -> None:
    """Move a damaged database out of the way, for people to look at; its journals are of no use without it."""
    log.warning("Optuna's database %s is damaged; it is set aside, and made anew from the ledger", path)
    path.replace(path.with_suffix(".damaged"))
    for ending in ("-journal", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _is_unlike_its_digest(trial: FrozenTrial) -> bool:
    """Return whether a trial is not the one that was written; False if it was written without digests.

    A trial that was pruned has the values that it had until then, whose digest nobody noted.
    """
    known = trial.system_attrs
    if PARAMS in known and known[PARAMS] != params_digest(trial.params):
        return True
    if END not in known or not trial.state.is_finished():
        return False
    return bool(known[END] != end_digest(trial.state, trial.values if trial.state == TrialState.COMPLETE else None))


def _exact(value: Any) -> Any:
    """Return a value so that 1 and 1.0, which Optuna does not tell apart, are the same, and no bit is lost."""
    return float(value).hex() if isinstance(value, int | float) and not isinstance(value, bool) else value


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()
