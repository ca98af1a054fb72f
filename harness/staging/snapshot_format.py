"""The file format of snapshots, read without torch.

A snapshot is a safetensors file: the length of a header (8 bytes, little-endian), the header as JSON, and the bytes of
all tensors. Tensors are named `model/<stable id>` and `optimizer/<stable id>/<name of the moment>`, those of an average
of the weights `average/<stable id>`, and those of a memory of examples `memory/indices` and `memory/outputs/<output>`.
What losses keep between steps is `loss/<name>/<what it is>/<stable id>`. Everything else of a training state is JSON in
the header's metadata: step, lineage, the optimizer's groups by id, the loss scaler, and how many examples a memory was
shown.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.core.errors import SnapshotError

__all__ = [
    "AVERAGE",
    "LENGTH_BYTES",
    "LOSS",
    "MEMORY",
    "METADATA",
    "MODEL",
    "OPTIMIZER",
    "Buffer",
    "SnapshotFile",
    "as_metadata",
    "header_bytes",
]

AVERAGE, LOSS, MEMORY, MODEL, OPTIMIZER = "average/", "loss/", "memory/", "model/", "optimizer/"
METADATA, STATE = "__metadata__", "harness"
LENGTH_BYTES = ALIGNMENT = 8

Buffer = bytes | memoryview


def as_metadata(state: Mapping[str, Any]) -> dict[str, str]:
    """Return the metadata of a snapshot's header: all of a training `state` that is no tensor, as JSON."""
    return {STATE: json.dumps(state)}


@dataclass(frozen=True)
class SnapshotFile:
    """The parts of a snapshot's bytes.

    Attributes:
        header: its bytes, with the length before them.
        metadata: of the header, as `as_metadata` makes it.
        tensors: `dtype`, `shape` and `data_offsets` of each tensor, by name.
        data: the bytes of all tensors, in which `data_offsets` are positions.
    """

    header: bytes
    metadata: dict[str, str]
    tensors: Mapping[str, Mapping[str, Any]]
    data: memoryview

    @classmethod
    def parse(cls, content: Buffer) -> "SnapshotFile":
        """Split the bytes of a snapshot.

        Raises:
            SnapshotError: this is no snapshot.
        """
        start = LENGTH_BYTES + int.from_bytes(content[:LENGTH_BYTES], "little")
        try:
            header = json.loads(bytes(content[LENGTH_BYTES:start]))
            metadata = header.pop(METADATA, {})
            well_formed = isinstance(metadata, dict) and all(map(_has_a_place, header.values()))
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            well_formed = False
        if not well_formed:
            raise SnapshotError(f"expected a snapshot, found {len(content)} bytes of something else")
        return cls(bytes(content[:start]), metadata, header, memoryview(content)[start:])

    @property
    def state(self) -> dict[str, Any]:
        """The part of the training state that is no tensor; its keys are those of `write_snapshot`.

        Raises:
            SnapshotError: there is none that can be read.
        """
        try:
            state: dict[str, Any] = json.loads(self.metadata[STATE])
        except (KeyError, TypeError, ValueError, RecursionError):
            raise SnapshotError("expected the state of a training in the snapshot's metadata, found none") from None
        return state

    def tensor_bytes(self, name: str) -> memoryview:
        """Return the bytes of one tensor."""
        begin, end = self.tensors[name]["data_offsets"]
        return self.data[begin:end]

    def weights(self, part: str = MODEL) -> bytes:
        """Return a safetensors file with the tensors of the network alone, or of `part`, named by their stable ids."""
        names = [name for name in self.tensors if name.startswith(part)]
        header, start = {}, 0
        for name in names:
            end = start + len(self.tensor_bytes(name))
            header[name.removeprefix(part)] = {**self.tensors[name], "data_offsets": [start, end]}
            start = end
        return header_bytes(header) + b"".join(map(self.tensor_bytes, names))


def _has_a_place(about: Mapping[str, Any]) -> bool:
    begin, end = about["data_offsets"]
    return type(begin) is type(end) is int and 0 <= begin <= end


def header_bytes(header: Mapping[str, Any]) -> bytes:
    """Return the beginning of a safetensors file, up to the bytes of its tensors, as the library writes it."""
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    return len(text).to_bytes(LENGTH_BYTES, "little") + text
