"""Whether what a run froze has moved: digests of the same tensors before and after, read from its snapshots."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from harness.staging.histories import stage_folder
from harness.staging.ledger import StageAddress
from harness.staging.snapshot_files import read_snapshot_files
from harness.staging.snapshot_format import MODEL, SnapshotFile

__all__ = ["FrozenDigests", "freezes_old_parameters", "frozen_digests"]


class FrozenDigests(NamedTuple):
    """SHA-256 over what was frozen, parameters and buffers, at the last growth and at the end; empty if not known."""

    before: str = ""
    after: str = ""


def frozen_digests(store: Path, stages: Sequence[StageAddress]) -> FrozenDigests:
    """Return the digests of a run's last stage, if its policy freezes all old parameters until the end.

    Which tensors another policy freezes depends on the network, which is not built here; their digests are not known,
    nor are those of runs whose snapshots were evicted.
    """
    contents = [read_snapshot_files(stage_folder(store, address)) for address in stages[-2:]]
    present = [SnapshotFile.parse(content) for content in contents if content is not None]
    if len(present) < 2:
        return FrozenDigests()
    before, after = present
    lineage = after.state["lineage"]
    if not freezes_old_parameters(lineage[-1]["change"]["freeze"]):
        return FrozenDigests()
    old = sorted(name for name in after.tensors if name.startswith(MODEL) and _birth(name) < len(lineage))
    return FrozenDigests(_digest(before, old), _digest(after, old))


def freezes_old_parameters(policy: Mapping[str, Any]) -> bool:
    """Return `AbstractFreezePolicy.freezes_old_parameters` of a policy of this package, recorded as JSON.

    Reports read snapshots without torch, which the policies' own module needs.
    """
    if policy["kind"] == "old_rate":
        return freezes_old_parameters(policy["policy"])
    kind, frozen_norm = policy["kind"], policy.get("frozen_norm", "eval")
    return (kind, frozen_norm) == ("old_parameters", "eval")


def _birth(name: str) -> int:
    return int(name.removeprefix(MODEL).partition("/")[0])


def _digest(snapshot: SnapshotFile, names: Sequence[str]) -> str:
    total = hashlib.sha256()
    for name in names:
        if name not in snapshot.tensors:
            return "missing"
        about = snapshot.tensors[name]
        total.update(f"{name} {about['dtype']} {about['shape']}".encode())
        total.update(snapshot.tensor_bytes(name))
    return total.hexdigest()
