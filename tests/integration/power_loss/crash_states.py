"""What a loss of power may leave of calls that were not synced, as ALICE models it (Pillai et al., OSDI 2014).

A file's content is safe once the file is synced, a name once its folder is; nothing else is promised, not even an
order. What was not synced when the power went may be there or not, call by call; a write may be there in part, or as
zeros. All of it together is more than can be tried. At each sync that has not happened yet, these are: everything up to
some call, everything but one call, one call alone, and the last write torn or zeros. What was not synced before the
sync before, too, is there as a whole or gone as a whole, and call by call at the very end.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tests.integration.power_loss.trace import Call, Kind

__all__ = ["CrashState", "crash_states"]


@dataclass(frozen=True)
class CrashState:
    """Calls that have reached the disk when the power goes.

    Attributes:
        notes: texts that had been noted by then.
        what: a description for people.
    """

    calls: tuple[Call, ...]
    notes: tuple[str, ...]
    what: str


def crash_states(calls: Sequence[Call]) -> Iterator[CrashState]:
    """Yield what may be left of these calls; much of it comes to the same."""
    safe_from = _safe_from(calls)
    ends = [index for index, call in enumerate(calls) if call.kind == Kind.SYNC] + [len(calls)]
    begin = 0
    for end in ends:
        window = _Window(calls, safe_from, begin, end)
        notes = window.notes()
        for chosen, what in window.variations():
            yield CrashState(chosen, notes, f"{what}, before call {end}")
        begin = end


def _safe_from(calls: Sequence[Call]) -> list[int]:
    """Return the index of the call after which each call is safe; the number of calls if it never is."""
    safe, synced = [len(calls)] * len(calls), dict[int, int]()
    for index in reversed(range(len(calls))):
        call = calls[index]
        if call.kind == Kind.SYNC:
            synced[call.place] = index
        safe[index] = synced.get(call.place, len(calls))
    return safe


class _Window:
    """The calls from one sync, `begin`, up to the next, `end`, and those before."""

    def __init__(self, calls: Sequence[Call], safe_from: Sequence[int], begin: int, end: int) -> None:
        self._calls, self._begin, self._end = calls, begin, end
        changing = [i for i in range(end) if calls[i].kind not in (Kind.SYNC, Kind.NOTE)]
        pending = [i for i in changing if safe_from[i] >= end]
        self._safe = [i for i in changing if safe_from[i] < end]
        self._old = [i for i in pending if i < begin]
        self._new = [i for i in pending if i >= begin]
        if end == len(calls):
            self._old, self._new = [], pending

    def notes(self) -> tuple[str, ...]:
        """Return what had been noted before any of the new calls was made."""
        first = min((i for i in self._new if i >= self._begin), default=self._end)
        return tuple(call.text.decode() for call in self._calls[:first] if call.kind == Kind.NOTE)

    def variations(self) -> Iterator[tuple[tuple[Call, ...], str]]:
        """Yield the calls that reached the disk."""
        everything = [*self._safe, *self._old, *self._new]
        yield self._made(self._safe), "what was synced"
        yield self._made([*self._safe, *self._new]), "what was synced, and what is new"
        for i in self._new:
            before = [*self._safe, *self._old, *(j for j in self._new if j < i)]
            yield self._made(before), f"up to call {i}"
            yield self._made([j for j in everything if j != i]), f"all but call {i}"
            yield self._made([*self._safe, i]), f"call {i} alone"
            if self._calls[i].kind == Kind.WRITE:
                yield self._made([*before, i], {i: _torn(self._calls[i])}), f"up to call {i}, which is torn"
                yield self._made(everything, {i: _zeros(self._calls[i])}), f"call {i} as zeros"
        yield self._made(everything), "all"

    def _made(self, chosen: Sequence[int], changed: dict[int, Call] | None = None) -> tuple[Call, ...]:
        return tuple((changed or {}).get(i, self._calls[i]) for i in sorted(chosen))


def _torn(call: Call) -> Call:
    return replace(call, text=call.text[: len(call.text) // 2])


def _zeros(call: Call) -> Call:
    return replace(call, text=bytes(len(call.text)))
