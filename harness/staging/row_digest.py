"""Digests of rows that have no room for one: a bit that flips in them is found by whoever reads them.

Rows that an earlier version wrote have none, and are taken as they are.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence

from harness.staging.transaction import AbstractTransaction

__all__ = ["digest_beside", "digest_of_row", "lost_rows", "save_row", "save_row_digest"]


def digest_of_row(values: Sequence[str | int | float]) -> str:
    """Return the SHA-256 over the values of a row, to the last bit of every number."""
    exact = [value.hex() if isinstance(value, float) else value for value in values]
    # What a damaged database gives may be of any type: then it has another digest.
    return hashlib.sha256(json.dumps(exact, separators=(",", ":"), default=repr).encode()).hexdigest()


def save_row_digest(transaction: AbstractTransaction, name: str, sha256: str) -> None:
    """Save the digest of the row that is called `name`, in the transaction that saves the row itself.

    A database of an earlier version gets none until its tables are created anew, as each launch does.
    """
    if not transaction.has("row_digests"):
        return
    transaction.execute(
        "INSERT INTO row_digests (name, sha256) VALUES (:name, :sha256) "
        "ON CONFLICT (name) DO UPDATE SET sha256 = :sha256",
        {"name": name, "sha256": sha256},
    )


def save_row(transaction: AbstractTransaction, table: str, study: str, values: Sequence[str | int | float]) -> None:
    """Save the digest of a row that has no name, since its table may have several of a kind; `lost_rows` finds it."""
    sha256 = digest_of_row(values)
    save_row_digest(transaction, f"{table} {study} {sha256}", sha256)


def lost_rows(
    transaction: AbstractTransaction, table: str, rows: Iterable[tuple[str, Sequence[str | int | float]]]
) -> list[str]:
    """Return the studies of which `table` does not have every row that was saved by `save_row`, to the bit.

    Args:
        transaction: of a database that may not have digests yet.
        table: in the database.
        rows: all of it: each with its study.
    """
    if not transaction.has("row_digests"):
        return []
    found = {f"{table} {study} {digest_of_row(values)}" for study, values in rows}
    saved = transaction.rows("SELECT name FROM row_digests WHERE name LIKE :names", {"names": f"{table} %"})
    lost = [name for (name,) in saved if name not in found]
    return sorted({name.removeprefix(f"{table} ").rpartition(" ")[0] for name in lost})


def digest_beside(transaction: AbstractTransaction, name: str) -> tuple[str, str]:
    """Return a column and a join by which a query gets each row's digest, NULL without one.

    Args:
        transaction: of a database that may not have the table yet.
        name: of the row, as an SQL expression.
    """
    if not transaction.has("row_digests"):
        return "NULL", ""
    return "row_digests.sha256", f"LEFT JOIN row_digests ON row_digests.name = {name}"
