"""What a benchmark gives, and how it times."""

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

__all__ = ["AbstractBenchmark", "Figure", "Stopwatch", "interleaved_best", "interleaved_medians", "interleaved_ratio"]

T = TypeVar("T")
Clock = Callable[[], float]


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    Attributes:
        figure: what was measured, with its unit.
        value: the measurement.
        target: what it should be, as people read it, such as `< 5`; empty for a figure that is there for comparison.
        met: whether it is; None without a target.
        note: why it could not be measured, if so.
    """

    figure: str
    value: float
    target: str = ""
    met: bool | None = None
    note: str = ""

    @classmethod
    def missing(cls, figure: str, note: str) -> "Figure":
        """Return a figure that could not be measured; its value is NaN."""
        return cls(figure, math.nan, note=note)

    @classmethod
    def below(cls, figure: str, value: float, limit: float) -> "Figure":
        """Return a figure that should be below `limit`."""
        return cls(figure, value, f"< {limit:g}", value < limit)

    @classmethod
    def at_most(cls, figure: str, value: float, limit: float) -> "Figure":
        """Return a figure that should be `limit` or less."""
        return cls(figure, value, f"<= {limit:g}", value <= limit)

    @classmethod
    def at_least(cls, figure: str, value: float, limit: float) -> "Figure":
        """Return a figure that should be `limit` or more."""
        return cls(figure, value, f">= {limit:g}", value >= limit)


class AbstractBenchmark(ABC):
    """Measures some figures."""

    @abstractmethod
    def measure(self, *, quick: bool) -> list[Figure]:
        """Return the figures; `quick` takes under a minute, with more noise."""

    def figures(self, *, quick: bool) -> Iterator[Figure]:
        """Yield the figures, each as soon as it is known where that is worth something."""
        yield from self.measure(quick=quick)


class Stopwatch:
    """A clock that stands still between actions: the processor seconds of all threads of this process."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def time(self, action: Callable[[], T]) -> T:
        """Return what the action returns, and count its seconds."""
        began = time.process_time()
        result = action()
        self._seconds += time.process_time() - began
        return result

    def __call__(self) -> float:
        """Return the seconds of all actions so far."""
        return self._seconds


def interleaved_best(
    actions: Sequence[Callable[[], object]], *, rounds: int, clock: Clock | None = None
) -> list[float]:
    """Time the actions in turn; return the shortest time of each in seconds, since what disturbs only ever adds."""
    return [min(taken) for taken in _interleaved(actions, rounds=rounds, clock=clock)]


def interleaved_medians(actions: Sequence[Callable[[], object]], *, rounds: int) -> list[float]:
    """Time the actions in turn, so that all see the same machine; return the median of each in seconds.

    One round is not counted: caches are cold and kernels are chosen in it.
    """
    return [median(taken) for taken in _interleaved(actions, rounds=rounds)]


def interleaved_ratio(
    ours: Callable[[], object], other: Callable[[], object], *, rounds: int, clock: Clock | None = None
) -> float:
    """Time both in turn; return the median over rounds of the other's time divided by ours.

    The two of a round see the same machine, also one whose speed changes from minute to minute.
    """
    first, second = _interleaved([ours, other], rounds=rounds, clock=clock)
    return median(theirs / own for own, theirs in zip(first, second, strict=True))


def _interleaved(
    actions: Sequence[Callable[[], object]], *, rounds: int, clock: Clock | None = None
) -> list[list[float]]:
    times: list[list[float]] = [[] for _ in actions]
    now = clock or time.perf_counter
    for index in range(rounds + 1):
        for action, taken in zip(actions, times, strict=True):
            began = now()
            action()
            if index:
                taken.append(now() - began)
    return times
