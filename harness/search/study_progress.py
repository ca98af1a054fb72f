"""The progress of a launch: which runs have ended, what Optuna learns of them, and which trials are pruned."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from harness.search.execution import WAITING, recorded_end, run_record
from harness.search.observer import Observer
from harness.search.pruners import Rung
from harness.search.run_request import RunRequest
from harness.search.study import Study
from harness.search.trial_schedule import TrialRuns
from harness.staging.eviction import evict_to
from harness.staging.ledger import RunKey, RunRecord
from harness.staging.store import Store

__all__ = ["StudyProgress"]


class StudyProgress:
    """Follows every run of a launch to its end.

    Args:
        study: whose runs they are.
        store: of their stages, with the ledger.
        observer: notified of each run that ends.
        keep_bytes: of snapshots in the store; beyond it the least valuable are evicted.

    Attributes:
        ended: the runs of the study that have ended, by key.
    """

    def __init__(self, study: Study, store: Store, observer: Observer, keep_bytes: int | None) -> None:
        self.ended: dict[RunKey, RunRecord] = {run.key: run for run in store.ledger.runs(study.name)}
        self._study = study
        self._store = store
        self._observer = observer
        self._keep_bytes = keep_bytes
        self._trials: dict[RunKey, TrialRuns] = {}

    def begin_wave(self, trials: Sequence[TrialRuns]) -> None:
        """Follow these trials from now on, and tell Optuna of those that have ended already."""
        self._trials = {run.key: trial for trial in trials for run in trial.runs}
        finished = {id(proposals): proposals.finished() for trial in trials if (proposals := trial.proposals)}
        for trial in trials:
            if trial.number not in finished.get(id(trial.proposals), ()):
                self._tell(trial)  # a launch may have been killed just before it did

    def unfinished(self, runs: Sequence[RunRequest]) -> list[RunRequest]:
        """Return those of `runs` that have neither ended nor reached their rung."""
        left = [run for run in runs if run.key not in self.ended]
        return [run for run in left if not (run.until and recorded_end(self._store.ledger, run))]

    def on_run_end(self, record: RunRecord) -> None:
        """Note a run that has ended; one that waits at a rung is of no interest yet."""
        if record.status != WAITING:
            self._note(record)
            self._tell(self._trials[record.key])
            if self._keep_bytes is not None:
                evict_to(self._store, self._keep_bytes)

    def _note(self, record: RunRecord) -> None:
        self.ended[record.key] = record
        self._observer.on_run_end(record)

    def _tell(self, trial: TrialRuns) -> None:
        """Tell Optuna of a trial all of whose runs have ended."""
        runs = [self.ended[run.key] for run in trial.runs if run.key in self.ended]
        if trial.proposals and len(runs) == len(trial.runs):
            trial.proposals.tell(trial.number, runs)

    def not_pruned(self, trials: Sequence[TrialRuns], rungs: Sequence[Rung], seeds: int) -> list[TrialRuns]:
        """Return the trials that go on after the last of `rungs`; the unfinished runs of the others are pruned."""
        return [trial for trial in trials if not self._prunes(trial, rungs, seeds)]

    def _prunes(self, trial: TrialRuns, rungs: Sequence[Rung], seeds: int) -> bool:
        if not trial.proposals:
            return False
        values = [(rung, value) for rung in rungs if (value := self._value(trial, rung)) is not None]
        reports = [(rung.at, value) for rung, value in values]
        if not trial.proposals.prunes(trial.number, reports, self._study.race(seeds)):
            return False
        reason = f"{self._study.metric} {values[-1][1]:.4g} {_words(values[-1][0])}" if values else "with other seeds"
        for run in self.unfinished(trial.runs):
            self._prune(run, reason)
        return True

    def _value(self, trial: TrialRuns, rung: Rung) -> float | None:
        """Return the mean of the deciding metric over the runs that reached `rung`, on validation data."""
        waiting = self._store.ledger.rungs(self._study.name, trial.runs[0].trial)
        metric = f"val/{self._study.metric}"
        records = [
            self.ended.get(run.key) if rung.until is None else waiting.get((run.arm, run.seed, rung.until))
            for run in trial.up_to(rung)
        ]
        values = [record.metrics[metric] for record in records if record and metric in record.metrics]
        return fmean(values) if values else None

    def _prune(self, run: RunRequest, reason: str) -> None:
        """Record that a run was pruned, with its metrics at the last rung that it reached."""
        rungs = self._store.ledger.rungs(run.study, run.trial)
        waiting = [rungs[key] for key in sorted(rungs) if key[:2] == (run.arm, run.seed)]
        record = waiting[-1] if waiting else run_record(run, "pruned")
        record = replace(record, status="pruned", reason=reason)
        self._store.ledger.save_run(record)
        self._note(record)


def _words(rung: Rung) -> str:
    return f"after {rung.seeds.stop} seeds" if rung.until is None else f"at step {rung.until}"
