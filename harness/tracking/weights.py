"""A run's final weights: the network's part of a snapshot, as safetensors, without torch."""

import json
from typing import Any

from harness.core.errors import SnapshotError

__all__ = ["weights_of"]

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
