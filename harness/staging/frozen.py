"""Whether what a run froze has moved: digests of the same tensors before and after, read from its snapshots."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from harness.staging.histories import FILES, stage_folder
from harness.staging.ledger import StageAddress

__all__ = ["FrozenDigests", "frozen_digests"]

HEADER = "harness"
MODEL = "model/"


class FrozenDigests(NamedTuple):
    """SHA-256 over what was frozen, parameters and buffers, at the last growth and at the end; empty if not known."""

    before: str = ""
    after: str = ""


def frozen_digests(store: Path, stages: Sequence[StageAddress]) -> FrozenDigests:
    """Return the digests of a run's last stage, if its policy freezes all old parameters until the end.

    What another policy freezes depends on the network, and only who builds it can say; of these nothing is known here,
    nor of runs whose snapshots were given up.
    """
    files = [stage_folder(store, address) / FILES[0] for address in stages[-2:]]
    if len(files) < 2 or not all(file.is_file() for file in files):
        return FrozenDigests()
    before, after = (_Snapshot(file) for file in files)
    lineage = after.header["lineage"]
    policy = lineage[-1]["change"]["freeze"]
    if policy.get("kind") != "old_parameters" or policy.get("frozen_norm", "eval") != "eval":
        return FrozenDigests()
    old = sorted(name for name in after.tensors if name.startswith(MODEL) and _birth(name) < len(lineage))
    return FrozenDigests(before.digest(old), after.digest(old))


def _birth(name: str) -> int:
    return int(name.removeprefix(MODEL).partition("/")[0])


class _Snapshot:
    """The bytes of a snapshot's tensors, without any library that would know what they mean."""

    def __init__(self, file: Path) -> None:
        content = file.read_bytes()
        size = int.from_bytes(content[:8], "little")
        self.tensors: dict[str, Any] = json.loads(content[8 : 8 + size])
        self.header = json.loads(self.tensors.pop("__metadata__")[HEADER])
        self._data = memoryview(content)[8 + size :]

    def digest(self, names: Sequence[str]) -> str:
        total = hashlib.sha256()
        for name in names:
            about = self.tensors.get(name)
            if about is None:
                return "missing"
            start, end = about["data_offsets"]
            total.update(f"{name} {about['dtype']} {about['shape']}".encode())
            total.update(self._data[start:end])
        return total.hexdigest()
