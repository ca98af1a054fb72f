"""Eviction of snapshots: the least valuable are deleted first when space is short."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from harness.staging.catalog import StageEntry
from harness.staging.store import Store

__all__ = ["by_value", "evict_to", "snapshot_bytes"]


def by_value(entries: Sequence[StageEntry], sizes: Mapping[StageEntry, float]) -> list[StageEntry]:
    """Return the entries that have a snapshot, the least valuable first.

    Snapshots from which no other stage begins come first. Within each of the two groups, the value of a snapshot is
    the training time since the snapshot before it, per byte of its size.
    """
    ordered = sorted((e for e in entries if not e.evicted), key=lambda e: (e.address.key, e.address.step))
    fork_points = {(entry.parent, entry.start) for entry in entries}
    seconds_before: dict[str, float] = {}
    values = []
    for entry in ordered:
        key, step = entry.address.key, entry.address.step
        seconds_per_byte = (entry.seconds - seconds_before.get(key, 0.0)) / max(sizes[entry], 1)
        values.append(((key, step) in fork_points, seconds_per_byte))
        seconds_before[key] = entry.seconds
    return [ordered[index] for index in sorted(range(len(ordered)), key=values.__getitem__)]


def evict_to(store: Store, limit_bytes: int) -> tuple[list[StageEntry], int]:
    """Evict snapshots until all together take at most `limit_bytes`; return the entries of those, and the bytes freed.

    A file that several snapshots share takes its space until the last of them is evicted.
    """
    entries = store.entries()
    files = {entry: store.snapshot_sizes(entry) for entry in entries}
    users = Counter(file for sizes in files.values() for file in sizes)
    shares = {entry: sum(size / users[file] for file, size in sizes.items()) for entry, sizes in files.items()}
    before = total = _total(files.values())
    evicted = []
    for entry in by_value(entries, shares):
        if total <= limit_bytes:
            break
        store.evict(entry)
        evicted.append(entry)
        users.subtract(files[entry].keys())
        total -= sum(size for file, size in files[entry].items() if not users[file])
    return evicted, before - total


def snapshot_bytes(store: Store, entries: Sequence[StageEntry]) -> int:
    """Return the space that the snapshots of `entries` take; what several have in common counts once."""
    return _total(map(store.snapshot_sizes, entries))


def _total(sizes: Iterable[Mapping[tuple[int, int], int]]) -> int:
    return sum({file: size for of_one in sizes for file, size in of_one.items()}.values())
