"""One thing that was looked at."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding"]


@dataclass(frozen=True)
class Finding:
    """What was found of one thing.

    Attributes:
        state: `missing` is what some studies need and others do not; `wrong` keeps harness from working.
        remedy: what to do about it, a command where there is one.
    """

    subject: str
    says: str
    state: Literal["ok", "missing", "wrong"] = "ok"
    remedy: str = ""
