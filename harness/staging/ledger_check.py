"""Whether the records in a ledger are those that were saved."""

import json
from collections.abc import Sequence
from typing import Any

from harness.core.errors import HomeError
from harness.staging.database import Database
from harness.staging.ledger import RunKey, RunRecord
from harness.staging.record_digest import DIGEST, record_digest
from harness.staging.row_digest import digest_beside, digest_of_row, lost_rows
from harness.staging.run_name import run_name
from harness.staging.transaction import AbstractTransaction

__all__ = ["check_records"]

STUDY = "study "
COLUMNS = ("study", "trial", "arm", "seed", "run_id", "status")
UNNAMED = {  # tables whose rows have digests, their columns beside the study, and what they hold
    "openings": ("trial, arm, seed, run_id, at", "accesses to test data"),
    "reproductions": ('trial, arm, seed, run_id, history_sha256, difference, "commit", at', "reproductions"),
    "registrations": ("content, at", "registration"),
    "first_launches": ("at", "first launch"),
}


def check_records(database: Database, study: str | None = None) -> dict[tuple[str, RunKey], str]:
    """Return the digest of every record of a run, of one study or all; an empty one where it was saved without.

    Records at rungs are checked, too, the specs of studies, accesses to test data, reproductions and registrations.

    Raises:
        HomeError: a record is not the one that was saved; the message names the first.
    """
    condition = "" if study is None else "WHERE study = :study"
    with database.transaction() as transaction:
        rows = transaction.rows(
            f"SELECT {', '.join(COLUMNS)}, record FROM runs {condition} ORDER BY study, trial, arm, seed",
            {"study": study},
        )
        rungs = _rungs(transaction, condition, study)
        specs = _changed_specs(transaction, study)
        lost = _lost(transaction, study)
    digests = {(row[0], row[1:4]): _digest_of(row[-1], dict(zip(COLUMNS, row, strict=False))) for row in rows}
    at_rungs = {(row[0], row[1:4]): _digest_of(row[-1], dict(zip(COLUMNS, row[:-1], strict=False))) for row in rungs}
    if specs:
        raise HomeError(
            f"expected the spec of the study {specs[0]!r} as it was saved in the ledger {database}, found another "
            "content than its digest says; restore the ledger from a copy, or run the study in another home with --home"
        )
    if lost:
        raise HomeError(
            f"expected the {lost[0][1]} of the study {lost[0][0]!r} as saved in the ledger {database}, found another "
            "content than the digests say; restore the ledger from a copy, or run the study in another home with --home"
        )
    damaged = [key for found in (digests, at_rungs) for key, digest in found.items() if digest is None]
    if damaged:
        raise HomeError(_message(database, damaged, len(rows) + len(rungs)))
    return {key: digest or "" for key, digest in digests.items()}


def _rungs(transaction: AbstractTransaction, condition: str, study: str | None) -> list[tuple[Any, ...]]:
    if not transaction.has("rungs"):
        return []
    return transaction.rows(f"SELECT study, trial, arm, seed, record FROM rungs {condition}", {"study": study})


def _changed_specs(transaction: AbstractTransaction, study: str | None) -> list[str]:
    digest, join = digest_beside(transaction, f"'{STUDY}' || studies.name")
    rows = transaction.rows(f"SELECT studies.name, spec, {digest} FROM studies {join} ORDER BY studies.name")
    asked = [row for row in rows if study in (None, row[0])]
    return [name for name, spec, sha256 in asked if sha256 not in (None, digest_of_row([spec]))]


def _lost(transaction: AbstractTransaction, study: str | None) -> list[tuple[str, str]]:
    """Return the studies, each with what is not all there of it, or not as it was saved."""
    found = []
    for table, (columns, content) in UNNAMED.items():
        rows = transaction.rows(f"SELECT study, {columns} FROM {table}") if transaction.has(table) else []
        lost = lost_rows(transaction, table, [(row[0], row[1:]) for row in rows])
        found += [(name, content) for name in lost if study in (None, name)]
    return found


def _digest_of(text: str, columns: dict[str, Any]) -> str | None:
    """Return the digest that a record carries, empty if it has none; None if the record is not the one it is of."""
    try:
        content = json.loads(text)
        record = RunRecord.from_json(content)
        same = all(getattr(record, name) == value for name, value in columns.items())
        carried = content.get(DIGEST)
        if same and carried is None:
            return ""
        return carried if same and carried == record_digest(content) else None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _message(database: Database, damaged: Sequence[tuple[str, RunKey]], total: int) -> str:
    name, key = damaged[0]
    said = (
        f"expected records as they were saved in the ledger {database}, found another content than its digest says in "
        f"{len(damaged)} of {total}: {name}, {run_name(*key)}; restore the ledger from a copy, or run the study in "
        "another home with --home"
    )
    return " ".join(said.split())  # names may be damaged, too
