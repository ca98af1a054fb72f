"""What a delivery leaves undone."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Undelivered", "together"]


@dataclass(frozen=True)
class Undelivered:
    """What a tracker does not show yet, and why; falsy if it shows everything.

    Attributes:
        runs: that have ended and are not shown whole.
        points: of their curves, and of the curves of runs that are alive.
        reason: in a line.
        where: the trackers, as people know them.
    """

    runs: int = 0
    points: int = 0
    reason: str = ""
    where: str = ""

    def __bool__(self) -> bool:
        return bool(self.reason)

    def __str__(self) -> str:
        return f"{self.runs} runs, {self.points} points ({self.reason})"


def together(parts: Sequence[Undelivered]) -> Undelivered:
    """Return what several trackers do not show; runs and points that two of them lack count twice.

    >>> str(together([Undelivered(), Undelivered(1, 20, "no answer", "MLflow"), Undelivered(2, 9, "full", "CSV")]))
    '3 runs, 29 points (MLflow: no answer; CSV: full)'
    """
    left = [part for part in parts if part]
    if len(left) < 2:
        return left[0] if left else Undelivered()
    return Undelivered(
        sum(part.runs for part in left),
        sum(part.points for part in left),
        "; ".join(f"{part.where}: {part.reason}" for part in left),
        ", ".join(part.where for part in left),
    )
