"""JSON that a database holds, which damage may have changed."""

import json
from typing import Any

from harness.core.errors import HomeError

__all__ = ["stored_list", "stored_object"]


def stored_object(text: object, what: str) -> dict[str, Any]:
    """Return the JSON object in a cell, which is `what`. Raises `HomeError` if it is none."""
    content: dict[str, Any] = _content(text, what, dict)
    return content


def stored_list(text: object, what: str) -> list[Any]:
    """Return the JSON list in a cell, which is `what`. Raises `HomeError` if it is none."""
    content: list[Any] = _content(text, what, list)
    return content


def _content(text: object, what: str, kind: type) -> Any:
    try:
        content = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, kind):
        return content
    raise HomeError(
        f"expected {what} in the ledger, found {text!r:.60}, which cannot be read; restore the ledger from a copy, or "
        "run the study in another home with --home"
    )
