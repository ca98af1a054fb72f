"""What a delivery leaves undone."""

from dataclasses import dataclass

__all__ = ["Undelivered"]


@dataclass(frozen=True)
class Undelivered:
    """What the tracker does not show yet, and why; falsy if it shows everything.

    Attributes:
        runs: that have ended and are not shown whole.
        points: of their curves, and of the curves of runs that are alive.
        reason: in a line.
    """

    runs: int = 0
    points: int = 0
    reason: str = ""

    def __bool__(self) -> bool:
        return bool(self.reason)

    def __str__(self) -> str:
        return f"{self.runs} runs, {self.points} points ({self.reason})"
