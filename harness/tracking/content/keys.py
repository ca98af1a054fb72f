"""Keys that MLflow accepts for params and metrics."""

import re
from collections.abc import Iterable

__all__ = ["MOST_KEY_CHARACTERS", "SYSTEM", "allowed_keys", "metric_keys"]

MOST_KEY_CHARACTERS = 250
SYSTEM = "system/"  # what a run takes of its machine; the UI shows such metrics on a page of their own
# MLflow takes a colon as well, but not on Windows, and refuses the whole batch for one bad key.
GRAD_NORM, TRUNK_NORM = "grad_norm", "trunk_norm"
FORBIDDEN = re.compile(r"[^/\w.\- ]")


def allowed_keys(names: Iterable[str]) -> dict[str, str]:
    """Return a key for each name: forbidden characters become `_`, long names are cut, equal keys are numbered.

    >>> allowed_keys(["val/loss/new", "a[0]", "a(0)", "../b"])
    {'val/loss/new': 'val/loss/new', 'a[0]': 'a_0_', 'a(0)': 'a_0_ 2', '../b': 'b'}
    """
    keys: dict[str, str] = {}
    used: set[str] = set()
    for name in names:
        keys[name] = _unique(_allowed(name), used)
        used.add(keys[name])
    return keys


def metric_keys(names: Iterable[str]) -> dict[str, str]:
    """Return a key for each name of a metric; norms of gradients have a group of their own, as charts are grouped.

    >>> metric_keys(["train/loss/new", "train/grad_norm"])
    {'train/loss/new': 'train/loss/new', 'train/grad_norm': 'grad_norm/total'}
    >>> metric_keys(["train/grad_norm/group_0", "train/trunk_norm/new"])
    {'train/grad_norm/group_0': 'grad_norm/group_0', 'train/trunk_norm/new': 'grad_norm/trunk/new'}
    """
    shown = {name: _shown(name) for name in names}
    keys = allowed_keys(shown.values())
    return {name: keys[title] for name, title in shown.items()}


def _shown(name: str) -> str:
    split, _, rest = name.partition("/")
    kind, _, part = rest.partition("/")
    if split != "train" or kind not in {GRAD_NORM, TRUNK_NORM}:
        return name
    return f"{GRAD_NORM}/trunk/{part}" if kind == TRUNK_NORM else f"{GRAD_NORM}/{part or 'total'}"


def _allowed(name: str) -> str:
    # A key may become a file's path, so MLflow refuses what a path would resolve to something else.
    parts = [part for part in FORBIDDEN.sub("_", name).split("/") if part not in {"", ".", ".."}]
    return "/".join(parts)[:MOST_KEY_CHARACTERS].rstrip("/") or "_"


def _unique(key: str, used: set[str]) -> str:
    candidate, number = key, 1
    while candidate in used:
        number += 1
        ending = f" {number}"
        candidate = key[: MOST_KEY_CHARACTERS - len(ending)] + ending
    return candidate
