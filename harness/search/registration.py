"""Registering a study: fixing its plan before its first run, and the points that then follow from the plan alone."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.core.digest import digest
from harness.core.errors import InputError
from harness.search.begin_study import begin_study
from harness.search.study import Study
from harness.search.trial_schedule import preview_trials
from harness.staging.ledger import Ledger
from harness.staging.previous_specs import MUTABLE_FIELDS, spec_digest
from harness.staging.registration import Registration, registration_of, save_registration

__all__ = ["as_registered", "check_new", "cut_short", "planned_runs_digest", "points_of", "register"]

REGISTRATION_VERSION = 1
DIGEST = r"[0-9a-f]{64}"


def points_of(study: Study) -> str:
    """Return the digest of a study's plan from which its points follow: whatever it is called, they are the same."""
    left_out = {*MUTABLE_FIELDS, "name", "points"}
    return digest({name: value for name, value in study.to_json().items() if name not in left_out})


def as_registered(study: Study, ledger: Ledger | None) -> Study:
    """Return a study with the points of its registration; unchanged if it was not registered."""
    found = registration_of(ledger.database, study.name) if ledger and ledger.exists else None
    return study.model_copy(update={"points": str(found.content["points"])}) if found else study


def register(
    study: Study,
    ledger: Ledger,
    *,
    trials: int | None = None,
    seeds: int | None = None,
    file: Path | None = None,
    points: str = "",
    made_with: Mapping[str, str],
) -> Registration:
    """Register a study that was not begun, and begin it; return its registration.

    Args:
        study: as it will be launched.
        ledger: which keeps the registration.
        trials: configurations, if not the study's own number.
        seeds: likewise, of each configuration and arm.
        file: which the study was loaded from.
        points: of an earlier registration that is repeated elsewhere; by default those of the plan.
        made_with: versions and digests of the code.

    Raises:
        InputError: the study was begun or registered already, or `points` are no digest.
    """
    if points and not re.fullmatch(DIGEST, points):
        raise InputError(f"expected points like those of a registration, 64 hexadecimal digits, found {points!r}")
    study = study.model_copy(update={"points": points or points_of(study)})
    study.check_sizes(trials or study.trials, seeds or study.seeds)
    check_new(study.name, ledger)
    content = {**_content(study, trials or study.trials, seeds or study.seeds, file), **made_with}
    if not save_registration(ledger.database, study.name, content):
        raise InputError(f"expected a study without a registration, found one of {study.name!r} in {ledger.database}")
    begin_study(ledger, study, trials, seeds, file=file)
    found = registration_of(ledger.database, study.name)
    assert found  # it was just saved
    return found


def check_new(name: str, ledger: Ledger) -> None:
    """Refuse a study that was registered or begun in this ledger. Raises `InputError`."""
    if registration_of(ledger.database, name):
        raise InputError(
            f"expected a study without a registration, found that {name!r} was registered in {ledger.database}; "
            f"harness run {name} begins it, or register it under another name with --as NAME"
        )
    if ledger.study(name):
        raise InputError(
            f"expected a study that was not begun, found {name!r} in {ledger.database}; a registration comes "
            "before the first run: register it under another name with --as NAME"
        )


def cut_short(
    study: Study, ledger: Ledger, *, trials: int | None, seeds: int | None, file: Path | None, points: str = ""
) -> Registration | None:
    """Return what the ledger has of the same registration, with which nobody has gone on since; None if it has none.

    A process that registers may be killed before it has begun the study, which is done now, or has written its file.
    """
    kept = registration_of(ledger.database, study.name)
    study = study.model_copy(update={"points": points or points_of(study)})
    content = _content(study, trials or study.trials, seeds or study.seeds, file)
    if kept is None or kept.first_launch is not None or not content.items() <= kept.content.items():
        return None
    begin_study(ledger, study, trials, seeds, file=file)
    return kept


def _content(study: Study, trials: int, seeds: int, file: Path | None) -> dict[str, Any]:
    spec = study.to_json()
    return {
        "registration_version": REGISTRATION_VERSION,
        "study": study.name,
        "points": study.points,
        "trials": trials,
        "seeds": seeds,
        "spec": spec,
        "spec_sha256": spec_digest(spec),
        "runs_sha256": planned_runs_digest(study, trials=trials, seeds=seeds),
        "study_file_sha256": hashlib.sha256(file.read_bytes()).hexdigest() if file else "",
    }


def planned_runs_digest(study: Study, *, trials: int, seeds: int) -> str:
    """Return the SHA-256 over the planned runs: trial, arm and seed, and the values that are searched.

    What a sampler proposes once it has learned is not known beforehand, nor is a winner: of such runs the digest has
    seeds alone.
    """
    known = 0 if study.sampler.learns else len(study.design.parts(list(study.arms))) * trials
    return digest(
        [
            [*run.key, run.params if position < known else None]
            for position, trial in enumerate(preview_trials(study, trials=trials, seeds=seeds))
            for run in trial.runs
        ]
    )
