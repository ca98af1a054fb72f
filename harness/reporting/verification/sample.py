"""Which runs of a report are trained again: those that a reader doubts, and others that its author cannot choose."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any

from harness.core.errors import InputError
from harness.core.explain import close_match

__all__ = ["choose_runs", "named_run"]


def choose_runs(runs: Iterable[tuple[str, str]], manifest: bytes, nonce: str, amount: int) -> list[str]:
    """Return `amount` ids of `runs`, pairs of an arm and an id, arm by arm in turn; all of them if there are fewer.

    Their order within an arm is that of SHA-256 over manifest, nonce and run id. The manifest fixes the report, so that
    with a `nonce` that is drawn afterwards nobody can know beforehand which runs will be looked at.
    """
    root = hashlib.sha256(manifest).hexdigest()

    def rank(run: str) -> str:
        return hashlib.sha256(f"{root} {nonce} {run}".encode()).hexdigest()

    of_arm: dict[str, set[str]] = {}
    for arm, run in runs:
        of_arm.setdefault(arm, set()).add(run)
    arms = sorted(of_arm, key=rank)  # which arm has one more is not the author's choice either
    chosen = [sorted(of_arm[arm], key=rank) for arm in arms]
    in_turn = (run for run in chain.from_iterable(zip_longest(*chosen)) if run is not None)
    return list(dict.fromkeys(in_turn))[:amount]


def named_run(rows: Sequence[Mapping[str, Any]], wanted: str) -> str:
    """Return the id of the run that `wanted` names: `TRIAL/ARM/SEED`, the id, or how it begins.

    Args:
        rows: the runs that can be trained again, see `StudyData.runs`.
        wanted: as a reader wrote it.

    Raises:
        InputError: there is none, or several; the message shows how a run is named.
    """
    names = [(f"{row['trial']}/{row['arm']}/{row['seed']}", str(row["run_id"])) for row in rows]
    found = {run for name, run in names if name == wanted} or {run for _, run in names if run.startswith(wanted)}
    if len(found) != 1:
        examples = "".join(f", such as {name} or {run}" for name, run in names[:1])
        likely = "" if found else close_match(wanted, [name for name, _ in names])
        raise InputError(
            f"expected one run of the report that ended{examples}; found {len(found)} that {wanted!r} could mean"
            f"{likely and f'.{likely}'}"
        )
    return found.pop()
