"""Whether two machines are of one kind: whether they should train the same run to the same bits."""

from collections.abc import Mapping
from typing import Any

__all__ = ["kind_differences", "same_kind"]

# Where instruction sets are pinned, model and further instruction sets of a processor change nothing; its maker may.
UNPINNED_ALONE = ("processor.instruction_sets", "processor.model")


def same_kind(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two records of `harness.training.machine` are of one kind; not if either is not known."""
    return not kind_differences(one, other)


def kind_differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Say in what two machines differ that may change last bits, one entry a thing.

    >>> kind_differences({"threads": 1, "mkl": "2024.2"}, {"threads": 2, "mkl": "2024.2"})
    ['threads 1 and 2']
    """
    if not one or not other:
        return ["one of the machines is not known"]
    flat = [_flat(found) for found in (one, other)]
    ignored = UNPINNED_ALONE if one.get("pinned") and other.get("pinned") else ()
    return [
        f"{name} {flat[0].get(name, 'unknown')} and {flat[1].get(name, 'unknown')}"
        for name in sorted({*flat[0], *flat[1]})
        if name not in ignored and flat[0].get(name) != flat[1].get(name)
    ]


def _flat(found: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in found.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return flat
