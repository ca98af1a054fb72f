"""A badge: one condition of a fair comparison, and whether the data shows that it holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Badge", "Status", "every", "in_short", "not_checked", "passed_unless"]

Status = Literal["PASS", "FAIL", "NOT CHECKED"]


@dataclass(frozen=True)
class Badge:
    """What was looked at, and what was found.

    Attributes:
        evidence: what was counted, in a sentence. A badge says no more than the data: what was not recorded is not
            checked.
    """

    name: str
    status: Status
    evidence: str


def not_checked(name: str, why: str) -> Badge:
    """Return a badge that nothing was recorded for."""
    return Badge(name, "NOT CHECKED", why)


def passed_unless(name: str, wrong: int, *, passed: str, failed: str) -> Badge:
    """Return a badge that passes if `wrong` counts nothing."""
    return Badge(name, "FAIL", failed) if wrong else Badge(name, "PASS", passed)


def every(amount: int, noun: str) -> str:
    """Write that something holds of all there are.

    >>> every(1, "pair"), every(72, "pair")
    ('the only pair', 'all 72 pairs')
    """
    return f"the only {noun}" if amount == 1 else f"all {amount:,} {noun}s"


def in_short(badges: Sequence[Badge]) -> str:
    """Say how many conditions hold, and which do not.

    >>> in_short([Badge("same start", "PASS", ""), Badge("registered", "NOT CHECKED", "")])
    '1 of 2 checks passed; registered: not checked'
    """
    others = "".join(f"; {badge.name}: {badge.status.lower()}" for badge in badges if badge.status != "PASS")
    return f"{sum(badge.status == 'PASS' for badge in badges)} of {len(badges)} checks passed{others}"
