"""Keys that MLflow accepts for params and metrics."""

import re
from collections.abc import Iterable

__all__ = ["MOST_KEY_CHARACTERS", "allowed_keys"]

MOST_KEY_CHARACTERS = 250
# MLflow takes a colon as well, but not on Windows, and refuses the whole batch for one bad key.
FORBIDDEN = re.compile(r"[^/\w.\- ]")


def allowed_keys(names: Iterable[str]) -> dict[str, str]:
    """Return a key for each name: a forbidden character becomes `_`, a long name is cut, a twin numbered.

    >>> allowed_keys(["val/loss/new", "a[0]", "a(0)", "../b"])
    {'val/loss/new': 'val/loss/new', 'a[0]': 'a_0_', 'a(0)': 'a_0_ 2', '../b': 'b'}
    """
    keys: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        keys[name] = _untaken(_allowed(name), taken)
        taken.add(keys[name])
    return keys


def _allowed(name: str) -> str:
    # A key may become a file's path, so MLflow refuses what a path would resolve to something else.
    parts = [part for part in FORBIDDEN.sub("_", name).split("/") if part not in {"", ".", ".."}]
    return "/".join(parts)[:MOST_KEY_CHARACTERS].rstrip("/") or "_"


def _untaken(key: str, taken: set[str]) -> str:
    candidate, number = key, 1
    while candidate in taken:
        number += 1
        ending = f" {number}"
        candidate = key[: MOST_KEY_CHARACTERS - len(ending)] + ending
    return candidate
