"""Executing runs in this process, one after the other, beside other processes that execute runs of the same study."""

import functools
import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.core.errors import InterruptedRunError, StageBusyError
from harness.core.spec import with_changes
from harness.search.execution import WAITING, OnRunEnd, recorded_end, run_record
from harness.search.failure import failure_reason
from harness.search.observer import Observer
from harness.search.run_request import RunRequest
from harness.staging.ledger import RunRecord
from harness.staging.plan import Plan
from harness.staging.run import run_id
from harness.staging.runner import Runner
from harness.staging.signals import SignalWatch
from harness.tracking.live.feed import NO_FEED, AbstractFeed
from harness.training.machine import machine

__all__ = ["LocalExecutor"]

POLL_S = 0.2  # while other processes train the next stage of every run that is left

Forks = Mapping[str, frozenset[int]]


@dataclass(frozen=True)
class LocalExecutor:
    """Executes runs in this process.

    Attributes:
        stop: asked between runs whether to stop.
        feed: receives what runs measure while they train.
        commit: that is checked out around the study's file, as in `RunRecord`.
    """

    runner: Runner
    observer: Observer
    stop: Callable[[], bool] = lambda: False
    feed: AbstractFeed = NO_FEED
    commit: str = ""

    def execute(self, runs: Sequence[RunRequest], plan: Plan, on_run_end: OnRunEnd) -> None:
        """Execute each run, as `ExecuteRuns` says."""
        self.execute_with(plan.forks, runs, on_run_end)

    def execute_with(self, forks: Forks, runs: Sequence[RunRequest], on_run_end: OnRunEnd) -> None:
        """Execute each run that no other process executed; `forks` are those of the plan.

        A run whose next stage another process is training is put off while others can be executed.

        Raises:
            InterruptedRunError: this process was asked to stop.
        """
        if not gc.get_freeze_count():
            gc.freeze()  # what was imported is no garbage, and to look through it again costs a tenth of small steps
        left = list(runs)
        while left:
            busy = []
            for run in left:
                if self.stop():
                    raise InterruptedRunError("stopped between two runs; everything is stored")
                try:
                    on_run_end(recorded_end(self.runner.store.ledger, run) or self._execute(run, forks))
                except StageBusyError:
                    busy.append(run)
            if len(busy) == len(left):
                time.sleep(POLL_S)
            left = busy

    def _execute(self, run: RunRequest, forks: Forks) -> RunRecord:
        """Train the run to its end, or to its rung, and record what came of it."""
        name, ledger = run_id(run.config), self.runner.store.ledger
        self.observer.on_run_begin(run.name, run.config.steps)
        record = functools.partial(run_record, run, commit=self.commit, machine=machine(run.config.device))
        self.feed.begin(record("running"))
        try:
            result = self.runner.run(
                run.config if run.until is None else with_changes(run.config, {"steps": run.until}),
                self.observer.on_evaluation,
                signals=SignalWatch(ledger.database, run.study, name),
                forks=forks,
                on_history=functools.partial(self.feed.append, name),
                test=run.test and run.until is None,
            )
        except BaseException as error:  # a study's own code may raise anything, and call sys.exit
            reason = failure_reason(error)
            if reason is None:
                raise
            ended = record("failed", reason=reason)
        else:
            outcome = {"stages": result.stages, "growths": result.growths, "metrics": result.metrics}
            if run.until is not None:
                rung = record(WAITING, **outcome)
                ledger.save_rung(rung, run.until)
                return rung
            ended = record("completed", **outcome)
        # A run that waits for another process, or was interrupted, has not ended.
        self.feed.end(name)  # first: whoever finds the run in the ledger finds its whole feed
        ledger.save_run(ended)
        return ended
