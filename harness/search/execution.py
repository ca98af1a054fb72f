"""Executing runs: what every executor does, and what it leaves in the ledger."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from harness.search.run_request import RunRequest
from harness.staging.ledger import Ledger, RunRecord
from harness.staging.plan import Plan
from harness.staging.run import run_id

__all__ = ["WAITING", "ExecuteRuns", "OnRunEnd", "recorded_end", "run_record"]

WAITING = "waiting"  # at a rung, for the pruner's decision

OnRunEnd = Callable[[RunRecord], None]


class ExecuteRuns(Protocol):
    """Executes runs, in this process or on workers, and returns when all have ended or wait at their rung."""

    def __call__(self, runs: Sequence[RunRequest], plan: Plan, on_run_end: OnRunEnd) -> None:
        """Execute `runs`, whose stages are `plan`; call `on_run_end` with the record of each.

        Raises:
            InterruptedRunError: the launch was asked to stop.
        """


def recorded_end(ledger: Ledger, run: RunRequest) -> RunRecord | None:
    """Return the record of a run that has ended, or that waits at its rung; None while there is none."""
    if ended := ledger.run(run.study, run.key):
        return ended
    return ledger.rungs(run.study, run.trial).get((run.arm, run.seed, run.until)) if run.until else None


def run_record(run: RunRequest, status: str, **outcome: Any) -> RunRecord:
    """Return the record of a run with its status and what else is known of its outcome."""
    return RunRecord(
        study=run.study,
        trial=run.trial,
        arm=run.arm,
        seed=run.seed,
        run_id=run_id(run.config),
        params=run.params,
        config=run.config.to_json(),
        status=status,
        spec_digest=run.spec_digest,
        **outcome,
    )
