"""Several workers that do the runs of one study."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from harness.core.errors import HarnessError, InterruptedRunError
from harness.search.crew import STARTING, Crew, crew_of
from harness.search.errand import LOOK_AGAIN_S, Errand, Workplace
from harness.search.launchers import AbstractLauncher, Processes
from harness.search.planned import PlannedRun
from harness.search.work import Ended, found_of, record_of
from harness.staging.chain import MOST_DEATHS
from harness.staging.ledger import Ledger, RunRecord
from harness.staging.plan import Plan
from harness.staging.runner import Runner

__all__ = ["Pool"]


class Pool:
    """Workers, from the first runs that there are for them to the end of the block.

    The stage store's leases see to it that they do different things.

    Args:
        size: how many there are.
        runner: one like it is made in each of them.
        file: from which the study was loaded.
        home: where the ledger is, unless in the database that the URL `storage` names.
        live: whether what runs measure is written down, for who shows it, while they train.
        timeout_s: how long a run may make no step until it is given up and its worker replaced; None for ever.
        launcher: where the workers come from; by default they are processes on this machine.
    """

    def __init__(
        self,
        size: int,
        runner: Runner,
        file: Path | None,
        home: Path,
        storage: str | None = None,
        *,
        live: bool = False,
        timeout_s: float | None = None,
        launcher: AbstractLauncher | None = None,
    ) -> None:
        self._size = size
        self._runner = runner
        self._place = Workplace(
            file=file,
            home=home,
            storage=storage,
            store=runner.store.root,
            data_folder=runner.data_folder,
            alone=runner.alone,
            features=runner.features is not None,
            live=live,
        )
        self._timeout_s = timeout_s
        self._launcher = launcher or Processes()
        self._open = ExitStack()
        self._crew: Crew | None = None

    def __enter__(self) -> Self:
        """Begin the block; workers are started later."""
        return self

    def __exit__(self, *raised: Any) -> None:
        """End the workers; they store what they train, unless Ctrl-C was pressed once more."""
        self._crew = None
        self._open.__exit__(*raised)

    def do(self, runs: Sequence[PlannedRun], plan: Plan, settle: Callable[[Ended], None]) -> None:
        """Let the workers do the runs; `settle` is called with each as it ends.

        Raises:
            InterruptedRunError: asked to stop.
            HarnessError: a worker could not go on.
        """
        if self._crew is None:
            self._crew = self._open.enter_context(crew_of(self._launcher, self._place, self._timeout_s))
        crew, ledger, size = self._crew, self._runner.store.ledger, min(self._size, len(runs))
        crew.send(Errand([run.to_json() for run in runs], plan.forks), size)
        missing, deaths = {run.key: index for index, run in enumerate(runs)}, 0
        while missing:
            for index in crew.look():
                self._give_up(runs[index])
            ended = _found(ledger, [runs[index] for index in missing.values()])
            for record in ended:
                settle(Ended(self._with_causes(record, crew, missing.pop(record.key))))
            deaths = 0 if ended else deaths
            deaths += crew.replace_the_dead() if missing else 0
            # Runs that kill their workers are given up one by one; more than these die of something else.
            if deaths > MOST_DEATHS * size:
                raise HarnessError(f"{deaths} workers died one after the other; see the messages above")
            if missing:
                time.sleep(LOOK_AGAIN_S)
                if self._runner.stop():
                    raise InterruptedRunError("asked to stop; everything is stored")

    def _give_up(self, run: PlannedRun) -> None:
        """Record that a run hung, unless it ended just before its worker did."""
        ledger = self._runner.store.ledger
        if ledger.run(run.study, run.key) is None:
            minutes = (self._timeout_s or 0) / 60
            said = f"hung: no step for {minutes:g} minutes (or {STARTING} times that before the first)"
            ledger.save_run(record_of(run, "failed", reason=said))

    def _with_causes(self, record: RunRecord, crew: Crew, index: int) -> RunRecord:
        """Return how a run ended; what killed its workers is known here alone, and added to the record."""
        causes = crew.deaths.get(index)
        if not causes or not record.reason.startswith("killed: "):
            return record
        counted = ", ".join(f"{cause} ({count} times)" for cause, count in Counter(causes).items())
        record = replace(record, reason=f"{record.reason}: {counted}")
        self._runner.store.ledger.save_run(record)
        return record


def _found(ledger: Ledger, runs: Sequence[PlannedRun]) -> list[RunRecord]:
    """Return those of `runs` that have ended, or wait where they were to."""
    there = ledger.run_keys(runs[0].study)
    found = [found_of(ledger, run) for run in runs if run.key in there or run.until]
    return [record for record in found if record]
