"""Results of reproducing runs: which were the same to the bit, and how others differed."""

import hashlib
from dataclasses import dataclass

from harness.core.history import History
from harness.staging.database import Database
from harness.staging.ledger import RunRecord
from harness.staging.row_digest import save_row

__all__ = ["Reproduction", "reproductions", "save_reproduction"]


@dataclass(frozen=True)
class Reproduction:
    """The result of training a run again, alone and from step 0, and comparing it with its record to the bit.

    Attributes:
        history_sha256: of the recorded history that was compared. The result does not apply to a run whose recorded
            history has another digest, because the run was repeated or its record altered since.
        difference: the first, or an empty string if there was none.
        commit: that was checked out around the study's file, as in `RunRecord`.
        at: the time in seconds since 1970, by the database's clock.
    """

    trial: int
    arm: str
    seed: int
    run_id: str
    history_sha256: str
    difference: str
    commit: str
    at: float


def save_reproduction(database: Database, record: RunRecord, recorded: History, difference: str, commit: str) -> None:
    """Save the result of reproducing a run: its first `difference` from the `recorded` history or the weights."""
    database.create()  # a database of an earlier version lacks the table
    names = ("study", "trial", "arm", "seed", "run_id")
    with database.transaction() as transaction:
        rows = transaction.rows(
            'INSERT INTO reproductions (study, trial, arm, seed, run_id, history_sha256, difference, "commit", at) '
            "VALUES (:study, :trial, :arm, :seed, :run_id, :history_sha256, :difference, :commit, {now}) "
            'RETURNING trial, arm, seed, run_id, history_sha256, difference, "commit", at',
            {name: getattr(record, name) for name in names}
            | {"history_sha256": hashlib.sha256(recorded.to_bytes()).hexdigest()}
            | {"difference": difference, "commit": commit},
        )
        save_row(transaction, "reproductions", record.study, rows[0])


def reproductions(database: Database, study: str) -> list[Reproduction]:
    """Return the results of reproducing runs of the study, by time."""
    with database.transaction() as transaction:
        if not transaction.has("reproductions"):
            return []
        rows = transaction.rows(
            'SELECT trial, arm, seed, run_id, history_sha256, difference, "commit", at FROM reproductions '
            "WHERE study = :study ORDER BY at, trial, arm, seed",
            {"study": study},
        )
    return [Reproduction(*row) for row in rows]
