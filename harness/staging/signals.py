"""Signals that people send to runs while these are trained; a trigger of the kind `signal` waits for one."""

import time

from harness.staging.database import Database

__all__ = ["SignalWatch", "save_signal", "sent_signals"]

POLL_S = 0.5  # a small network is evaluated every few milliseconds, and a query costs as much as that

EVERY_RUN = ""


def save_signal(database: Database, study: str, name: str, run_id: str | None = None) -> None:
    """Send the signal `name` to a run of the study, or to all of them."""
    with database.transaction() as transaction:
        transaction.execute(
            "INSERT INTO signals (study, name, run_id) VALUES (:study, :name, :run_id) ON CONFLICT DO NOTHING",
            {"study": study, "name": name, "run_id": run_id or EVERY_RUN},
        )


def sent_signals(database: Database, study: str, run_id: str) -> frozenset[str]:
    """Return the signals that have been sent to a run."""
    with database.transaction() as transaction:
        rows = transaction.rows(
            "SELECT name FROM signals WHERE study = :study AND run_id IN (:run_id, :every)",
            {"study": study, "run_id": run_id, "every": EVERY_RUN},
        )
    return frozenset(name for (name,) in rows)


class SignalWatch:
    """Returns the signals that have been sent to a run, as they were known half a second ago at most."""

    def __init__(self, database: Database, study: str, run_id: str) -> None:
        self._query = database, study, run_id
        self._asked_at = float("-inf")
        self._known: frozenset[str] = frozenset()

    def __call__(self) -> frozenset[str]:
        """Return the names of the signals."""
        now = time.monotonic()
        if now - self._asked_at >= POLL_S:
            self._asked_at, self._known = now, sent_signals(*self._query)
        return self._known
