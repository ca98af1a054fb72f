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
    return SignalWatch(database, study).sent_to(run_id)


def _all_sent(database: Database, study: str) -> list[tuple[str, str]]:
    """Return each signal of a study with the run that it was sent to."""
    with database.transaction() as transaction:
        rows = transaction.rows("SELECT name, run_id FROM signals WHERE study = :study", {"study": study})
    return [(name, run_id) for name, run_id in rows]


class SignalWatch:
    """Returns the signals that have been sent to runs of a study, as they were known half a second ago at most."""

    def __init__(self, database: Database, study: str) -> None:
        self._database = database
        self._study = study
        self._asked_at = float("-inf")
        self._known: list[tuple[str, str]] = []

    def sent_to(self, run_id: str) -> frozenset[str]:
        """Return the names of the signals of a run."""
        now = time.monotonic()
        if now - self._asked_at >= POLL_S:  # one question for all runs that are trained together
            self._asked_at, self._known = now, _all_sent(self._database, self._study)
        return frozenset(name for name, target in self._known if target in (run_id, EVERY_RUN))
