"""Registrations: what a study said of itself before its first run.

A registration is a file that its author commits, tags or has time-stamped. The ledger keeps its content, when it was
made, and when the first launch of the study began.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.staging.database import Database
from harness.staging.row_digest import save_row
from harness.staging.stored_json import stored_object

__all__ = ["Registration", "registration_bytes", "registration_of", "save_launch", "save_registration"]


@dataclass(frozen=True)
class Registration:
    """A registration, as the ledger or a report has it.

    Attributes:
        content: of the file.
        at: when it was made, in seconds since 1970, by the database's clock.
        first_launch: likewise when the study was first launched; None if it was not yet.
    """

    content: Mapping[str, Any]
    at: float
    first_launch: float | None = None

    @property
    def came_first(self) -> bool:
        """Whether it was made before the first launch."""
        return self.first_launch is None or self.at <= self.first_launch


def registration_bytes(content: Mapping[str, Any]) -> bytes:
    """Return the file of a registration: the same content, the same bytes."""
    return (json.dumps(content, indent=2, allow_nan=False) + "\n").encode()


def save_registration(database: Database, study: str, content: Mapping[str, Any]) -> bool:
    """Keep a registration unless the study has one, or was launched; return whether it was kept."""
    database.create()  # a database of an earlier version lacks the tables
    with database.transaction() as transaction:
        if transaction.rows("SELECT at FROM first_launches WHERE study = :study", {"study": study}):
            return False
        values = {"study": study, "content": registration_bytes(content).decode()}
        statement = (
            "INSERT INTO registrations (study, content, at) VALUES (:study, :content, {now}) ON CONFLICT DO NOTHING "
            "RETURNING content, at"
        )
        rows = transaction.rows(statement, values)
        for row in rows:
            save_row(transaction, "registrations", study, row)
        return bool(rows)


def save_launch(database: Database, study: str) -> None:
    """Keep when a study was first launched; later launches change nothing."""
    database.create()  # a database of an earlier version lacks the tables
    with database.transaction() as transaction:
        rows = transaction.rows(
            "INSERT INTO first_launches (study, at) VALUES (:study, {now}) ON CONFLICT DO NOTHING RETURNING at",
            {"study": study},
        )
        for row in rows:
            save_row(transaction, "first_launches", study, row)


def registration_of(database: Database, study: str) -> Registration | None:
    """Return the registration of a study; None if there is none."""
    with database.transaction() as transaction:
        if not transaction.has("registrations"):
            return None
        rows = transaction.rows("SELECT content, at FROM registrations WHERE study = :study", {"study": study})
        first = transaction.rows("SELECT at FROM first_launches WHERE study = :study", {"study": study})
    if not rows:
        return None
    content = stored_object(rows[0][0], f"the registration of {study!r}")
    return Registration(content, rows[0][1], first[0][0] if first else None)
