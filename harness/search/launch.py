"""Launching a study: every configuration under every arm and seed, continuing where it was left."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.core.errors import HarnessError, StudyChangedError
from harness.core.spec import flatten
from harness.search.observer import Observer
from harness.search.planned import PlannedRun, planned_runs
from harness.search.proposals import Proposals
from harness.search.study import Study
from harness.search.work import Ended, Work
from harness.staging.eviction import evict_to
from harness.staging.histories import run_history
from harness.staging.ledger import Ledger, StudyRecord
from harness.staging.plan import Plan, make_plan
from harness.staging.runner import Runner
from harness.staging.store import Store
from harness.tracking import AbstractTracker
from harness.tracking.live import NOBODY, AbstractFeed
from harness.tracking.project import project_study

__all__ = ["Do", "check_study", "delayed_if_unreachable", "foreseen_runs", "launch"]

log = logging.getLogger(__name__)

Do = Callable[[Sequence[PlannedRun], Plan, Callable[[Ended], None]], None]
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


def launch(
    study: Study,
    home: Path,
    *,
    runner: Runner,
    observer: Observer,
    tracker: AbstractTracker | None = None,
    feed: AbstractFeed = NOBODY,
    trials: int | None = None,
    seeds: int | None = None,
    file: Path | None = None,
    keep_bytes: int | None = None,
    do: Do | None = None,
) -> StudyRecord:
    """Do every run of `study` that has not ended yet.

    A study that was begun keeps its numbers of trials and seeds unless greater ones are given.

    Args:
        study: what to run.
        home: where Optuna's database is, unless there is one database for everything.
        runner: whose store and ledger are used.
        observer: told what happens.
        tracker: shown every run as it ends, by this process; `feed` is for one that watches from another.
        feed: hears what runs measure while they train, if they are done here.
        trials: configurations.
        seeds: runs of each configuration and arm.
        file: where `study` was loaded from.
        keep_bytes: of snapshots in the store; beyond it the least valuable are given up as runs end.
        do: does the runs, given their plan; by default one after the other in this process.

    Raises:
        StudyChangedError: a study of that name was begun in this home with another spec.
        InterruptedRunError: this process was asked to stop.
    """
    ledger, store = runner.store.ledger, runner.store.root
    study.check_trials(trials or study.trials)
    record = begin(
        ledger, study, trials, seeds, file=file, store="" if store == home / "store" else str(store.absolute())
    )
    if tracker:
        with delayed_if_unreachable():
            project_study(ledger, store, tracker, study.name)
    proposals = Proposals(study, home, ledger)
    conclusion = _Conclusion(study, runner.store, tracker, observer, proposals, record.seeds, keep_bytes)

    def train(runs: Sequence[PlannedRun], plan: Plan) -> None:
        if do is None:
            Work(runner, plan.forks, observer, runner.stop, feed).do(runs, conclusion.settle)
        elif runs:
            do(runs, plan, conclusion.settle)

    observer.planned(record.trials * record.seeds * len(study.arms), conclusion.done)
    first = 0
    for count in range(1, record.trials + 1) if study.sampler.learns else [record.trials]:
        runs = planned_runs(study, proposals.params(count), record.seeds, first=first)
        missing = conclusion.missing(runs)
        train(missing, make_plan([run.config for run in missing], runner.store, alone=runner.alone))
        first = count
    return record


def foreseen_runs(study: Study, ledger: Ledger | None, trials: int | None, seeds: int | None) -> list[PlannedRun]:
    """Return the runs that `launch` would do, without beginning the study.

    A sampler that learns is asked as if no trial had ended: their number is right, their values are examples.

    Raises:
        StudyChangedError: a study of that name was begun with another spec.
    """
    before = ledger.study(study.name) if ledger else None
    if before:
        _check_unchanged(before.spec, study.to_json())
    planned = before or study
    count = max(planned.trials, trials or 0) if before else trials or study.trials
    study.check_trials(count)
    points = [study.point(number) for number in range(count)]
    return planned_runs(study, points, max(planned.seeds, seeds or 0) if before else seeds or study.seeds)


class _Conclusion:
    """What follows when a run has ended: it is shown, and told to Optuna when it was the last of its trial."""

    def __init__(
        self,
        study: Study,
        store: Store,
        tracker: AbstractTracker | None,
        observer: Observer,
        proposals: Proposals,
        seeds: int,
        keep_bytes: int | None,
    ) -> None:
        self._store = store
        self._keep_bytes = keep_bytes
        self._tracker = tracker
        self._observer = observer
        self._proposals = proposals
        self._each = [(arm, seed) for seed in range(seeds) for arm in study.arms]
        self._ended = {run.key: run for run in store.ledger.runs(study.name)}

    @property
    def done(self) -> int:
        """How many runs have ended."""
        return len(self._ended)

    def missing(self, runs: Sequence[PlannedRun]) -> list[PlannedRun]:
        """Return those of `runs` that have not ended."""
        for trial in sorted({run.trial for run in runs} - self._proposals.told()):
            self._tell(trial)  # a launch may have been killed just before it did
        return [run for run in runs if run.key not in self._ended]

    def settle(self, ended: Ended) -> None:
        """Show a run that has ended."""
        record = ended.record
        self._ended[record.key] = record
        if self._tracker:
            with delayed_if_unreachable():
                self._tracker.project_run(record, ended.history or run_history(self._store.root, record.stages))
        self._observer.run_ended(record)
        self._tell(record.trial)
        if self._keep_bytes is not None:
            evict_to(self._store, self._keep_bytes)

    def _tell(self, trial: int) -> None:
        runs = [self._ended.get((trial, arm, seed)) for arm, seed in self._each]
        if all(runs):
            self._proposals.tell(trial, [run for run in runs if run])


@contextmanager
def delayed_if_unreachable() -> Iterator[None]:
    """Let training go on when the tracker cannot be reached; the next launch shows what this one could not."""
    try:
        yield
    except HarnessError as error:
        log.warning("not shown by the tracker yet: %s; running the study again will show it", error)


def begin(
    ledger: Ledger,
    study: Study,
    trials: int | None,
    seeds: int | None,
    *,
    file: Path | None = None,
    store: str = "",
) -> StudyRecord:
    """Enter the study into the ledger, or find that it is there already, perhaps with more trials or seeds to run.

    Raises:
        StudyChangedError: a study of that name was begun with another spec.
    """
    spec, place = study.to_json(), str(file.absolute()) if file else ""
    first = StudyRecord(study.name, spec, trials or study.trials, seeds or study.seeds, place, store)
    before = ledger.enter_study(first)  # two launches may begin it at the same moment
    _check_unchanged(before.spec, spec)
    record = replace(
        before,
        spec=spec,
        trials=max(before.trials, trials or 0),
        seeds=max(before.seeds, seeds or 0),
        file=place or before.file,
        store=store,
    )
    if record != before:
        ledger.save_study(record)
    return record


def _check_unchanged(before: dict[str, Any], now: dict[str, Any]) -> None:
    old, new = flatten(_as_read_now(before)), flatten(now)
    different = [path for path in {**old, **new} if old.get(path) != new.get(path)]
    different = [path for path in different if path not in NOT_IDENTITY]
    if different:
        changes = [f"{path} was {old.get(path)!r} and is {new.get(path)!r}" for path in different[:3]]
        more = f" and {len(different) - 3} more" if len(different) > 3 else ""
        raise StudyChangedError(
            f"the study {now['name']!r} was begun with another spec: {'; '.join(changes)}{more}. "
            "Run it under another name with --as NAME, or in another home with --home"
        )


def _as_read_now(spec: dict[str, Any]) -> dict[str, Any]:
    """Return a recorded spec with the defaults of fields that came since; as it is, if it cannot be read any more."""
    try:
        return Study.model_validate(spec).to_json()
    except ValidationError:
        return spec
