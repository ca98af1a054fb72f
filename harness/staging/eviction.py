"""Which snapshots to give up first when space is short."""

from collections.abc import Sequence

from harness.staging.catalog import StageEntry
from harness.staging.store import Store

__all__ = ["by_value", "evict_to"]


def by_value(entries: Sequence[StageEntry]) -> list[StageEntry]:
    """Return the entries that still have a snapshot, the least valuable first.

    A snapshot from which no other stage begins is worth less than one from which some do. Among these, what counts is
    the training time per byte that it saves: the time since the snapshot before it.
    """
    kept = [entry for entry in entries if not entry.evicted]
    begun = {(entry.parent, entry.start) for entry in entries}
    seconds: dict[str, float] = {}
    saved = []
    for entry in sorted(kept, key=lambda e: (e.address.key, e.address.step)):
        saved.append((entry.seconds - seconds.get(entry.address.key, 0.0)) / entry.state_bytes)
        seconds[entry.address.key] = entry.seconds
    ordered = sorted(kept, key=lambda e: (e.address.key, e.address.step))
    worth = [((e.address.key, e.address.step) in begun, value) for e, value in zip(ordered, saved, strict=True)]
    return [ordered[index] for index in sorted(range(len(ordered)), key=worth.__getitem__)]


def evict_to(store: Store, limit_bytes: int) -> list[StageEntry]:
    """Give up snapshots until all together are not greater than `limit_bytes`; return those given up."""
    entries = store.entries()
    total = sum(entry.state_bytes for entry in entries)
    evicted = []
    for entry in by_value(entries):
        if total <= limit_bytes:
            break
        store.evict(entry)
        evicted.append(entry)
        total -= entry.state_bytes
    return evicted
