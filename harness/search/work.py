"""Doing runs, one after the other, beside other processes that do runs of the same study."""

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.core.errors import InterruptedRunError, StageBusyError
from harness.core.history import History
from harness.core.spec import with_changes
from harness.search.failure import reason_of
from harness.search.observer import Observer
from harness.search.planned import PlannedRun
from harness.staging.ledger import Ledger, RunRecord
from harness.staging.run import run_id
from harness.staging.runner import Runner
from harness.tracking.live.feed import NOBODY, AbstractFeed

__all__ = ["WAITING", "Ended", "Work", "found_of", "record_of"]

WAITING = "waiting"  # at a step, for whether it may go on

LOOK_AGAIN_S = 0.2


@dataclass(frozen=True)
class Ended:
    """A run that has ended, or waits at a step, with its history if it was done by this process."""

    record: RunRecord
    history: History | None = None


@dataclass(frozen=True)
class Work:
    """What a process needs to do runs.

    Attributes:
        forks: steps, by stage key, at which snapshots are made in passing.
        stop: asked between runs whether to stop.
        feed: hears what runs measure while they train.
        commit: that is checked out around the study's file, as in `RunRecord`.
    """

    runner: Runner
    forks: Mapping[str, frozenset[int]]
    observer: Observer
    stop: Callable[[], bool] = lambda: False
    feed: AbstractFeed = NOBODY
    commit: str = ""

    def do(self, runs: Sequence[PlannedRun], settle: Callable[[Ended], None]) -> None:
        """Do each run, or find that another process did; `settle` is called with each as it ends.

        A run whose next stage another process is training waits while there is something else to do.

        Raises:
            InterruptedRunError: this process was asked to stop.
        """
        waiting = list(runs)
        while waiting:
            busy = []
            for run in waiting:
                if self.stop():
                    raise InterruptedRunError("stopped between two runs; everything is stored")
                try:
                    settle(self._ended_elsewhere(run) or self._do(run))
                except StageBusyError:
                    busy.append(run)
            if len(busy) == len(waiting):
                time.sleep(LOOK_AGAIN_S)
            waiting = busy

    @property
    def _ledger(self) -> Ledger:
        return self.runner.store.ledger

    def _ended_elsewhere(self, run: PlannedRun) -> Ended | None:
        record = found_of(self._ledger, run)
        return Ended(record) if record else None

    def _do(self, run: PlannedRun) -> Ended:
        name = run_id(run.config)
        self.observer.run_begins(run.name, run.config.steps)
        record = functools.partial(record_of, run, commit=self.commit)
        self.feed.begin(record("running"))
        try:
            result = self.runner.run(
                run.config if run.until is None else with_changes(run.config, {"steps": run.until}),
                self.observer.evaluated,
                signals=lambda: self._ledger.signals(run.study, name),
                forks=self.forks,
                on_history=functools.partial(self.feed.append, name),
                test=run.test and run.until is None,
            )
        except BaseException as error:  # a study's own code may raise anything, and call sys.exit
            reason = reason_of(error)
            if reason is None:
                raise
            ended = Ended(record("failed", reason=reason), History())
        else:
            outcome = {"stages": result.stages, "growths": result.growths, "metrics": result.metrics}
            if run.until is not None:
                rung = record(WAITING, **outcome)
                self._ledger.save_rung(rung, run.until)
                return Ended(rung)
            ended = Ended(record("completed", **outcome), result.history)
        # A run that waits for another process, or was interrupted, has not ended.
        self.feed.end(name)  # first: who finds the run in the ledger finds all that its feed had to say
        self._ledger.save_run(ended.record)
        return ended


def found_of(ledger: Ledger, run: PlannedRun) -> RunRecord | None:
    """Return how the run ended, or what it had come to where it waits; None if it is not there yet."""
    if ended := ledger.run(run.study, run.key):
        return ended
    return ledger.rungs(run.study, run.trial).get((run.arm, run.seed, run.until)) if run.until else None


def record_of(run: PlannedRun, status: str, **outcome: Any) -> RunRecord:
    """Return the record of a run that has come to `outcome`."""
    return RunRecord(
        study=run.study,
        trial=run.trial,
        arm=run.arm,
        seed=run.seed,
        run_id=run_id(run.config),
        params=run.params,
        config=run.config.to_json(),
        status=status,
        spec_digest=run.plan,
        **outcome,
    )
