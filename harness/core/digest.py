"""SHA-256 over canonical JSON: the same content, the same digest, on every machine."""

import hashlib
import json
import re
from typing import Any

__all__ = ["canonical_json", "check_sha256", "digest"]

SHA256 = re.compile(r"[0-9a-f]{64}")


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


def check_sha256(text: str) -> str:
    """Return `text`, a SHA-256 in hexadecimal. Raises `ValueError` if it is none."""
    if not SHA256.fullmatch(text):
        raise ValueError(f"expected a SHA-256, 64 digits 0-9 and a-f, found {text!r:.80}")
    return text
