"""Eviction of snapshots: the least valuable are deleted first when space is short."""

from collections.abc import Sequence

from harness.staging.catalog import StageEntry
from harness.staging.store import Store

__all__ = ["by_value", "evict_to"]


def by_value(entries: Sequence[StageEntry]) -> list[StageEntry]:
    """Return the entries that have a snapshot, the least valuable first.

    Snapshots from which no other stage begins come first. Within each of the two groups, the value of a snapshot is
    the training time since the snapshot before it, per byte.
    """
    ordered = sorted((e for e in entries if not e.evicted), key=lambda e: (e.address.key, e.address.step))
    fork_points = {(entry.parent, entry.start) for entry in entries}
    seconds_before: dict[str, float] = {}
    values = []
    for entry in ordered:
        key, step = entry.address.key, entry.address.step
        seconds_per_byte = (entry.seconds - seconds_before.get(key, 0.0)) / entry.snapshot_bytes
        values.append(((key, step) in fork_points, seconds_per_byte))
        seconds_before[key] = entry.seconds
    return [ordered[index] for index in sorted(range(len(ordered)), key=values.__getitem__)]


def evict_to(store: Store, limit_bytes: int) -> list[StageEntry]:
    """Evict snapshots until all together take at most `limit_bytes`; return the entries of those evicted."""
    entries = store.entries()
    total = sum(entry.snapshot_bytes for entry in entries)
    evicted = []
    for entry in by_value(entries):
        if total <= limit_bytes:
            break
        store.evict(entry)
        evicted.append(entry)
        total -= entry.snapshot_bytes
    return evicted
