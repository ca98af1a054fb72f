"""What follows when a run has ended: it is shown, and Optuna is told when it was the last of its trial."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from statistics import fmean

from harness.core.errors import HarnessError
from harness.search.observer import Observer
from harness.search.planned import PlannedRun
from harness.search.pruners import Rung
from harness.search.study import Study
from harness.search.trials import PlannedTrial
from harness.search.work import WAITING, Ended, found_of, record_of
from harness.staging.eviction import evict_to
from harness.staging.histories import run_history
from harness.staging.ledger import RunKey, RunRecord
from harness.staging.store import Store
from harness.tracking import AbstractTracker

__all__ = ["Conclusion", "delayed_if_unreachable"]

log = logging.getLogger(__name__)


class Conclusion:
    """Sees every run of a launch end.

    Args:
        study: whose runs they are.
        store: of their stages, with the ledger.
        tracker: shown every run as it ends.
        observer: told.
        keep_bytes: of snapshots in the store; beyond it the least valuable are given up.

    Attributes:
        ended: the runs of the study that have ended, by key.
    """

    def __init__(
        self,
        study: Study,
        store: Store,
        tracker: AbstractTracker | None,
        observer: Observer,
        keep_bytes: int | None,
    ) -> None:
        self.ended: dict[RunKey, RunRecord] = {run.key: run for run in store.ledger.runs(study.name)}
        self._study = study
        self._store = store
        self._tracker = tracker
        self._observer = observer
        self._keep_bytes = keep_bytes
        self._trials: dict[RunKey, PlannedTrial] = {}

    def expect(self, trials: Sequence[PlannedTrial]) -> None:
        """Hear of trials that are about to be done."""
        self._trials = {run.key: trial for trial in trials for run in trial.runs}
        told = {id(proposals): proposals.told() for trial in trials if (proposals := trial.proposals)}
        for trial in trials:
            if trial.number not in told.get(id(trial.proposals), ()):
                self._tell(trial)  # a launch may have been killed just before it did

    def missing(self, runs: Sequence[PlannedRun]) -> list[PlannedRun]:
        """Return those of `runs` that have not ended, nor wait where they were to."""
        left = [run for run in runs if run.key not in self.ended]
        return [run for run in left if not (run.until and found_of(self._store.ledger, run))]

    def settle(self, ended: Ended) -> None:
        """Show a run that has ended; of one that waits at a step there is nothing to say yet."""
        if ended.record.status != WAITING:
            self._show(ended)
            self._tell(self._trials[ended.record.key])
            if self._keep_bytes is not None:
                evict_to(self._store, self._keep_bytes)

    def _show(self, ended: Ended) -> None:
        record = ended.record
        self.ended[record.key] = record
        if self._tracker:
            with delayed_if_unreachable():
                history = ended.history or run_history(self._store.root, record.stages, test=record.opened_test)
                self._tracker.project_run(record, history)
        self._observer.run_ended(record)

    def _tell(self, trial: PlannedTrial) -> None:
        runs = [self.ended[run.key] for run in trial.runs if run.key in self.ended]
        if trial.proposals and len(runs) == len(trial.runs):
            trial.proposals.tell(trial.number, runs)

    def kept(self, trials: Sequence[PlannedTrial], rungs: Sequence[Rung], seeds: int) -> list[PlannedTrial]:
        """Return the trials that are not given up after the last of `rungs`."""
        return [trial for trial in trials if not self._prunes(trial, rungs, seeds)]

    def _prunes(self, trial: PlannedTrial, rungs: Sequence[Rung], seeds: int) -> bool:
        """Return whether a trial is given up after the last of `rungs`; its runs that have not ended are pruned."""
        if not trial.proposals:
            return False
        values = [(rung, value) for rung in rungs if (value := self._value(trial, rung)) is not None]
        reports = [(rung.at, value) for rung, value in values]
        if not trial.proposals.prunes(trial.number, reports, self._study.race(seeds)):
            return False
        reason = f"{self._study.metric} {values[-1][1]:.4g} {_words(values[-1][0])}" if values else "with other seeds"
        for run in self.missing(trial.runs):
            self._prune(run, reason)
        return True

    def _value(self, trial: PlannedTrial, rung: Rung) -> float | None:
        """Return the mean of the deciding metric over the runs that reached `rung`, on validation data."""
        there = self._store.ledger.rungs(self._study.name, trial.runs[0].trial)
        metric = f"val/{self._study.metric}"
        records = [
            self.ended.get(run.key) if rung.until is None else there.get((run.arm, run.seed, rung.until))
            for run in trial.upto(rung)
        ]
        values = [record.metrics[metric] for record in records if record and metric in record.metrics]
        return fmean(values) if values else None

    def _prune(self, run: PlannedRun, reason: str) -> None:
        rungs = self._store.ledger.rungs(run.study, run.trial)
        waiting = [rungs[place] for place in sorted(rungs) if place[:2] == (run.arm, run.seed)]
        record = waiting[-1] if waiting else record_of(run, "pruned")
        record = replace(record, status="pruned", reason=reason)
        self._store.ledger.save_run(record)
        self._show(Ended(record))


def _words(rung: Rung) -> str:
    return f"after {rung.seeds.stop} seeds" if rung.until is None else f"at step {rung.until}"


@contextmanager
def delayed_if_unreachable() -> Iterator[None]:
    """Let training go on when the tracker cannot be reached; the next launch shows what this one could not."""
    try:
        yield
    except HarnessError as error:
        log.warning("not shown by the tracker yet: %s; running the study again will show it", error)
