"""The run that somebody names."""

from typing import TYPE_CHECKING

from harness.core.errors import InputError

if TYPE_CHECKING:
    from harness.staging.ledger import Ledger, RunRecord

__all__ = ["named_run"]


def named_run(ledger: "Ledger", wanted: str) -> "RunRecord":
    """Return the completed run with the id `wanted`, or one that begins so, or with that `STUDY/TRIAL/ARM/SEED`.

    Raises:
        InputError: there is none, or several; the message shows how a run is named.
    """
    from harness.core.explain import close_match  # pydantic, which not every command needs

    studies = ledger.studies() if ledger.exists else []
    runs = [run for study in studies for run in ledger.runs(study.name) if run.status == "completed"]
    named = [run for run in runs if _name(run) == wanted]
    found = named or [run for run in runs if run.run_id.startswith(wanted)]
    if len({run.run_id for run in found}) != 1:
        examples = "".join(f", such as {run.run_id} or {_name(run)}" for run in runs[:1])
        likely = "" if found else close_match(wanted, map(_name, runs))
        raise InputError(
            f"expected a completed run{examples}; found {len(found)} that {wanted!r} could mean"
            f"{likely and f'.{likely}'}"
        )
    return found[0]


def _name(run: "RunRecord") -> str:
    return f"{run.study}/{run.trial}/{run.arm}/{run.seed}"
