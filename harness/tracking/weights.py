"""A run's final weights: the network's part of a snapshot, as safetensors, and their number, without torch."""

import json
import math
from typing import Any

from harness.core.errors import SnapshotError

__all__ = ["parameters_of", "weights_of"]

NETWORK = "model/"


def weights_of(snapshot: bytes) -> bytes:
    """Return a safetensors file with the network's tensors of a snapshot, named by their stable ids.

    A safetensors file is the length of a header (8 bytes, little-endian), the header as JSON, and the bytes of all
    tensors; whatever their type, they are copied as they are.

    Raises:
        SnapshotError: this is no snapshot.
    """
    header, body = _opened(snapshot)
    spans = {name: tuple(header[name]["data_offsets"]) for name in header if name.startswith(NETWORK)}
    kept, parts, start = {}, [], 0
    for name, (begin, end) in spans.items():
        kept[name.removeprefix(NETWORK)] = {**header[name], "data_offsets": [start, start + end - begin]}
        parts.append(body[begin:end])
        start += end - begin
    text = json.dumps(kept).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of 8
    return len(text).to_bytes(8, "little") + text + b"".join(parts)


def parameters_of(snapshot: bytes) -> int:
    """Return the number of a network's parameters, frozen ones too: what the optimizer's groups list, no buffers.

    Raises:
        SnapshotError: this is no snapshot.
    """
    header, _ = _opened(snapshot)
    try:
        groups = json.loads(header["__metadata__"]["harness"])["groups"]
        return sum(math.prod(header[NETWORK + name]["shape"]) for group in groups for name in group["params"])
    except (ValueError, TypeError, KeyError):
        raise SnapshotError("expected a snapshot with its optimizer's groups, found tensors alone") from None


def _opened(snapshot: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the header and the bytes of all tensors."""
    size = int.from_bytes(snapshot[:8], "little")
    try:
        header = json.loads(snapshot[8 : 8 + size])
        spans = [tensor["data_offsets"] for name, tensor in header.items() if name != "__metadata__"]
    except (ValueError, TypeError, KeyError, AttributeError):
        spans = None
    if spans is None:
        raise SnapshotError(f"expected a snapshot, found {len(snapshot)} bytes of something else")
    return header, snapshot[8 + size :]
