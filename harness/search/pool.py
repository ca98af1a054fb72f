"""Several workers that do the runs of one study."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from harness.core.errors import HarnessError, InterruptedRunError
from harness.search.crew import STARTING, Crew, crew_of
from harness.search.errand import Errand
from harness.search.launchers import AbstractLauncher, Processes
from harness.search.planned import PlannedRun
from harness.search.work import Ended, found_of, record_of
from harness.staging.chain import MOST_DEATHS
from harness.staging.ledger import Ledger, RunRecord
from harness.staging.plan import Plan
from harness.staging.runner import Runner

__all__ = ["Pool"]

LOOK_AGAIN_S = 0.2


class Pool:
    """Workers; the stage store's leases see to it that they do different things.

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
        self._file = file
        self._home = home
        self._storage = storage
        self._live = live
        self._timeout_s = timeout_s
        self._launcher = launcher or Processes()

    def do(self, runs: Sequence[PlannedRun], plan: Plan, settle: Callable[[Ended], None]) -> None:
        """Let the workers do the runs; `settle` is called with each as it ends.

        Raises:
            InterruptedRunError: asked to stop, the workers have stored what they trained and ended.
            HarnessError: a worker could not go on; the others have stopped, too.
        """
        ledger = self._runner.store.ledger
        missing, deaths = {run.key: index for index, run in enumerate(runs)}, 0
        size = min(self._size, len(runs))
        with crew_of(self._launcher, self._errand(runs, plan), size, self._timeout_s) as crew:
            while missing and not self._runner.stop():
                time.sleep(LOOK_AGAIN_S)
                for index in crew.replace_the_hung():
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
            raise InterruptedRunError("all workers have stopped; everything is stored")

    def _errand(self, runs: Sequence[PlannedRun], plan: Plan) -> Errand:
        return Errand(
            runs=[run.to_json() for run in runs],
            forks=plan.forks,
            file=self._file,
            home=self._home,
            storage=self._storage,
            store=self._runner.store.root,
            data_folder=self._runner.data_folder,
            alone=self._runner.alone,
            features=self._runner.features is not None,
            live=self._live,
        )

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
