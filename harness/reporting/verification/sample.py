"""Which runs of a report are trained again: as many under each arm, chosen so that its author cannot choose."""

import hashlib
from collections.abc import Iterable
from itertools import chain, zip_longest

__all__ = ["choose_runs"]


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
