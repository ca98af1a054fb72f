"""Launching a study: every configuration under every arm and seed, continuing where it was left."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.errors import DivergedError, HarnessError, StudyChangedError
from harness.core.history import History
from harness.core.spec import flatten
from harness.search.observer import Observer
from harness.search.proposals import Proposals
from harness.search.study import Study
from harness.staging.ledger import Ledger, RunRecord, StudyRecord
from harness.staging.run import run_id
from harness.staging.runner import Runner
from harness.tracking import AbstractTracker
from harness.tracking.project import project_study

__all__ = ["check_study", "delayed_if_unreachable", "launch"]

log = logging.getLogger(__name__)

NOT_IDENTITY = ("trials", "seeds", "title", "question")


def check_study(study: Study, runner: Runner) -> None:
    """Apply the growths of the base run, and of every value of the space on its own, to fresh networks.

    Raises:
        InputError: one cannot be applied, for example for an impossible tap.
    """
    arm = next(iter(study.arms))
    runner.check(study.base)
    for name, dimension in study.space.items():
        for value in dimension.corners():
            runner.check(study.config({name: value}, arm, seed=0))


@dataclass
class _Launch:
    study: Study
    ledger: Ledger
    runner: Runner
    tracker: AbstractTracker
    observer: Observer


def launch(
    study: Study,
    home: Path,
    *,
    runner: Runner,
    tracker: AbstractTracker,
    observer: Observer,
    trials: int | None = None,
    seeds: int | None = None,
) -> StudyRecord:
    """Run every run of `study` that has not ended yet, one after the other.

    A study that was begun keeps its numbers of trials and seeds unless greater ones are given.

    Raises:
        StudyChangedError: a study of that name was begun in this home with another spec.
    """
    ledger = Ledger(home)
    record = begin(ledger, study, trials, seeds)
    with delayed_if_unreachable():
        project_study(ledger, home / "store", tracker, study.name)
    ended = {(run.trial, run.arm, run.seed): run for run in ledger.runs(study.name)}
    planned = record.planned_runs
    observer.planned(planned, len(ended))
    proposals = Proposals(study, home)
    here = _Launch(study, ledger, runner, tracker, observer)
    for number in range(record.trials):
        params = proposals.params(number)
        for arm, seed in _pairs(study, record.seeds):
            if (number, arm, seed) not in ended:
                ended[number, arm, seed] = _run(here, params, number, arm, seed)
        proposals.tell(number, [ended[number, arm, seed] for arm, seed in _pairs(study, record.seeds)])
    return record


@contextmanager
def delayed_if_unreachable() -> Iterator[None]:
    """Let training go on when the tracker cannot be reached; the next launch shows what this one could not."""
    try:
        yield
    except HarnessError as error:
        log.warning("not shown by the tracker yet: %s; running the study again will show it", error)


def begin(ledger: Ledger, study: Study, trials: int | None, seeds: int | None) -> StudyRecord:
    """Enter the study into the ledger, or find that it is there already, perhaps with more trials or seeds to run.

    Raises:
        StudyChangedError: a study of that name was begun with another spec.
    """
    spec, before = study.to_json(), ledger.study(study.name)
    if before is None:
        record = StudyRecord(study.name, spec, trials or study.trials, seeds or study.seeds)
    else:
        _check_unchanged(before.spec, spec)
        record = StudyRecord(study.name, spec, max(before.trials, trials or 0), max(before.seeds, seeds or 0))
    ledger.save_study(record)
    return record


def _check_unchanged(before: dict[str, Any], now: dict[str, Any]) -> None:
    old, new = flatten(before), flatten(now)
    different = [path for path in {**old, **new} if old.get(path) != new.get(path)]
    different = [path for path in different if path not in NOT_IDENTITY]
    if different:
        changes = [f"{path} was {old.get(path)!r} and is {new.get(path)!r}" for path in different[:3]]
        more = f" and {len(different) - 3} more" if len(different) > 3 else ""
        raise StudyChangedError(
            f"the study {now['name']!r} was begun with another spec: {'; '.join(changes)}{more}. "
            "Run it under another name with --as NAME, or in another home with --home"
        )


def _pairs(study: Study, seeds: int) -> Iterator[tuple[str, int]]:
    for seed in range(seeds):
        for arm in study.arms:
            yield arm, seed


def _run(here: _Launch, params: dict[str, Any], number: int, arm: str, seed: int) -> RunRecord:
    config = here.study.config(params, arm, seed)
    here.observer.run_begins(f"trial {number} · {arm} · seed {seed}", config.steps)
    outcome: dict[str, Any]
    name = run_id(config)
    try:
        result = here.runner.run(
            config, here.observer.evaluated, signals=lambda: here.ledger.signals(here.study.name, name)
        )
    except DivergedError as error:
        history = History()
        outcome = {"status": "failed", "reason": f"diverged: {error}"}
    else:
        history = result.history
        outcome = {
            "status": "completed",
            "stages": result.stages,
            "growths": result.growths,
            "metrics": result.metrics,
        }
    record = RunRecord(
        study=here.study.name,
        trial=number,
        arm=arm,
        seed=seed,
        run_id=name,
        params=params,
        config=config.to_json(),
        **outcome,
    )
    here.ledger.save_run(record)
    with delayed_if_unreachable():
        here.tracker.project_run(record, history)
    here.observer.run_ended(record)
    return record
