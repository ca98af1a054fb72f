"""Signals that people send to runs while these are trained; a trigger of the kind `signal` waits for one."""

from harness.staging.database import Database

__all__ = ["save_signal", "sent_signals"]

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
