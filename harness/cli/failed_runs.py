"""What `harness run` says at its end of runs that failed, and with which exit code it ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.staging.ledger import RunRecord

__all__ = ["FailedRuns", "failed_runs"]

DIVERGED = "diverged: "


@dataclass(frozen=True)
class FailedRuns:
    """The runs of a study that failed.

    Attributes:
        line: how many, why the first did, and what to do.
        exit_code: 0 if some runs completed and all others only diverged, which is what they had to show; 1 otherwise.
    """

    line: str
    exit_code: int


def failed_runs(runs: "Sequence[RunRecord]", where: str) -> FailedRuns | None:
    """Return what is to be said of those of `runs` that failed; None if none did.

    Args:
        runs: all of a study that have ended.
        where: the arguments with which `harness show` lists them.
    """
    from harness.reporting.data.wording import count
    from harness.staging.run_name import run_name

    failed = [run for run in runs if run.status == "failed"]
    if not failed:
        return None
    # One that might complete if it were done anew is the more telling example.
    faults = [run for run in failed if not run.reason.startswith(DIVERGED)]
    first = (faults or failed)[0]
    anew = "; once that is mended, the same command with --retry-failed does them anew" if faults else ""
    line = (
        f"{len(failed):,} of {count(len(runs), 'run')} failed, such as {run_name(*first.key)}: {first.reason}; "
        f"harness show {where} lists the reasons{anew}"
    )
    completed = any(run.status == "completed" for run in runs)
    return FailedRuns(line, 0 if completed and not faults else 1)
