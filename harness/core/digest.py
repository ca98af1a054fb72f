"""SHA-256 over canonical JSON: the same content, the same digest, on every machine."""

import hashlib
import json
from typing import Any

__all__ = ["canonical_json", "digest"]


def canonical_json(content: Any) -> str:
    """Write `content` without spaces and without NaN, mappings in their own order.

    The order of a mapping can mean something (the heads of a task), so it is part of the content.

    Raises:
        ValueError: a float is NaN or infinite.
    """
    return json.dumps(content, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def digest(content: Any) -> str:
    """Return the SHA-256 of the canonical JSON of `content`, in hexadecimal."""
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()
