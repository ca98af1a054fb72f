"""A transaction of the database: the same statements run on every kind of it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from harness.core.errors import HomeError

__all__ = ["AbstractTransaction", "unusable"]

ADVICE = {  # by what SQLite and PostgreSQL say
    "disk is full": "free space",
    "No space left on device": "free space",
    "readonly database": "let the file and its folder be written",
    "unable to open database file": "let the file and its folder be written",
    "locking protocol": "see that the file and its folder can be written, and try again",
}


class AbstractTransaction(ABC):
    """An open transaction. Statements name their values as `:name`, and the present time, in seconds, as `{now}`.

    Attributes:
        now: the expression for the present time by the database's own clock: those of the machines that take part may
            differ.
    """

    now: ClassVar[str]

    def execute(self, statement: str, values: Mapping[str, Any] | None = None) -> int:
        """Execute a statement that changes rows; return their number."""
        return self._execute(statement.replace("{now}", self.now), values or {})

    def rows(self, statement: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Return the rows that a statement selects."""
        return self._rows(statement.replace("{now}", self.now), values or {})

    @abstractmethod
    def has(self, table: str) -> bool:
        """Return whether a table exists; databases of earlier versions lack some."""

    @abstractmethod
    def _execute(self, statement: str, values: Mapping[str, Any]) -> int:
        """Execute a statement that changes rows; return their number."""

    @abstractmethod
    def _rows(self, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Return the rows that a statement selects."""


def unusable(
    database: str,
    cause: object,
    *,
    repair: str = "restore it from a copy",
    other: str = "another home with --home or HARNESS_HOME",
) -> HomeError:
    """Return the error of a database that cannot be read or written."""
    said = " ".join(str(cause).split())
    advice = next((advice for words, advice in ADVICE.items() if words in said), repair)
    return HomeError(
        f"expected a ledger at {database} that can be read and written, found: {said}; {advice}, or choose {other}"
    )
