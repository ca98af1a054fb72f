"""The digests of the data with which studies were begun, for tasks whose spec does not say it all."""

from harness.core.digest import digest
from harness.core.errors import DataError
from harness.data import AbstractTask
from harness.staging.database import Database

__all__ = ["check_data"]

SHOWN = 12


def check_data(database: Database, study: str, task: AbstractTask, data: str) -> None:
    """Keep the digest of the data of `task` the first time that `study` reads them, and compare it later.

    Raises:
        DataError: the data are others now.
    """
    values = {"study": study, "task": digest(task.to_json()), "data": data}
    database.create()  # a database of an earlier version lacks the table
    keep = "INSERT INTO data_digests (study, task, digest) VALUES (:study, :task, :data) ON CONFLICT DO NOTHING"
    with database.transaction() as transaction:
        transaction.execute(keep, values)
        rows = transaction.rows("SELECT digest FROM data_digests WHERE study = :study AND task = :task", values)
    if (before := rows[0][0]) != data:
        raise DataError(
            f"expected the data of {task.kind!r} with which the study {study!r} was begun (digest {before[:SHOWN]}), "
            f"found others ({data[:SHOWN]}); put those back, or run it under another name with --as NAME"
        )
