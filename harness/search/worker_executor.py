"""Executing the runs of a study on several workers."""

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from harness.core.errors import HarnessError, InterruptedRunError
from harness.search.execution import WAITING, OnRunEnd, recorded_end, run_record
from harness.search.heartbeat import POLL_S, SEVERAL
from harness.search.launchers import AbstractLauncher, Processes
from harness.search.observer import Observer
from harness.search.retell import retell
from harness.search.run_request import RunRequest
from harness.search.worker import WorkerConfig, WorkItem
from harness.search.worker_pool import STARTUP_FACTOR, WorkerPool, worker_pool
from harness.staging.ledger import Ledger, RunRecord
from harness.staging.plan import Plan
from harness.staging.runner import Runner
from harness.staging.stage_trainer import MAX_DEATHS

__all__ = ["WorkerExecutor"]


class WorkerExecutor:
    """Executes runs on workers, which are started for the first runs and end with the block.

    The leases of the stage store decide which worker trains what.

    Args:
        size: the number of workers.
        runner: each worker makes one with the same settings.
        file: from which the study was loaded.
        live: whether a run's measurements are written to its live file while it trains.
        timeout_s: a run that makes no step for so long is given up, and its worker replaced; None for never.
        launcher: starts the workers; by default as processes on this machine.
        modules: that define classes of the study, which each worker imports.
        observer: told, when a run has ended, what happened in it.
    """

    def __init__(
        self,
        size: int,
        runner: Runner,
        file: Path | None = None,
        *,
        live: bool = False,
        timeout_s: float | None = None,
        launcher: AbstractLauncher | None = None,
        modules: Sequence[str] = (),
        observer: Observer | None = None,
    ) -> None:
        self._size = size
        self._runner = runner
        self._config = WorkerConfig(
            runner.workspace,
            file,
            tuple(modules),
            alone=runner.alone,
            cache_features=runner.features is not None,
            packing=runner.packing,
            live=live,
        )
        self._timeout_s = timeout_s
        self._launcher = launcher or Processes()
        self._observer = observer
        self._open = ExitStack()
        self._pool: WorkerPool | None = None

    def __enter__(self) -> Self:
        """Begin the block; workers are started later."""
        return self

    def __exit__(self, *raised: Any) -> None:
        """End the workers; they store what they train, unless Ctrl-C was pressed once more."""
        self._pool = None
        self._open.__exit__(*raised)

    def execute(self, runs: Sequence[RunRequest], plan: Plan, on_run_end: OnRunEnd) -> None:
        """Execute each run, as `ExecuteRuns` says.

        Raises:
            InterruptedRunError: the launch was asked to stop.
            HarnessError: a worker met an error that any other worker would meet, too.
        """
        if self._pool is None:
            self._pool = self._open.enter_context(worker_pool(self._launcher, self._config, self._timeout_s))
        pool, ledger, size = self._pool, self._runner.store.ledger, min(self._size, len(runs))
        pool.submit(WorkItem([run.to_json() for run in runs], plan.forks, size), size)
        left, deaths = {run.key: index for index, run in enumerate(runs)}, 0
        while left:
            for index in pool.poll():
                self._give_up(runs[index])
            ended = _recorded_ends(ledger, [runs[index] for index in left.values()])
            for record in ended:
                self._retell(record)
                on_run_end(self._with_exit_reasons(record, pool, left.pop(record.key)))
            deaths = 0 if ended else deaths
            deaths += pool.replace_the_dead() if left else 0
            # Runs that kill their workers are given up one by one; more deaths than these have another cause.
            if deaths > MAX_DEATHS * size:
                raise HarnessError(f"{deaths} workers died one after the other; see the messages above")
            if left:
                time.sleep(POLL_S)
                if self._runner.stop():
                    raise InterruptedRunError("asked to stop; everything is stored")

    def _retell(self, record: RunRecord) -> None:
        if self._observer and record.status != WAITING:
            retell(record, self._runner.workspace.stages, self._observer)

    def _give_up(self, run: RunRequest) -> None:
        """Record that a run hung, unless it ended just before its worker was killed."""
        ledger = self._runner.store.ledger
        if ledger.run(run.study, run.key) is None:
            minutes = (self._timeout_s or 0) / 60
            reason = f"hung: no step for {minutes:g} minutes (or {STARTUP_FACTOR} times that before the first)"
            ledger.save_run(run_record(run, "failed", reason=reason))

    def _with_exit_reasons(self, record: RunRecord, pool: WorkerPool, index: int) -> RunRecord:
        """Return the record; if the run killed its workers, add how they died, which only the pool knows."""
        together = pool.exit_reasons.get(SEVERAL, [])  # it may have been trained with others at first
        alone = pool.exit_reasons.get(index, [])
        exit_reasons = alone + together[: MAX_DEATHS - len(alone)]
        if not exit_reasons or not record.reason.startswith("killed: "):
            return record
        # A process may have died of another run while it held this one, whose turn was to come.
        elsewhere = ["of another run"] * (MAX_DEATHS - len(exit_reasons))
        counted = ", ".join(f"{why} ({count} times)" for why, count in Counter(exit_reasons + elsewhere).items())
        record = replace(record, reason=f"{record.reason}: {counted}")
        self._runner.store.ledger.save_run(record)
        return record


def _recorded_ends(ledger: Ledger, runs: Sequence[RunRequest]) -> list[RunRecord]:
    """Return the records of those of `runs` that have ended, or wait at their rung."""
    ended = ledger.run_keys(runs[0].study)
    records = [recorded_end(ledger, run) for run in runs if run.key in ended or run.until]
    return [record for record in records if record]
