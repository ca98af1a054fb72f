"""The digests of the code of a study's own classes with which its runs were made."""

import sys
from collections.abc import Mapping

from harness.core.errors import StudyChangedError
from harness.staging.database import Database

__all__ = ["changed_code", "check_code"]

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"  # of Python, whose syntax trees are written otherwise


def check_code(database: Database, study: str, found: Mapping[str, str], *, completed: int, accept: bool) -> None:
    """Keep the digests of the code with which a study is launched first, and compare them later.

    Args:
        database: of the ledger.
        study: its name.
        found: digests by the kind of each class of one's own.
        completed: how many of its runs have completed; with none, there is nothing that other code could have made.
        accept: whether runs that other code has made are kept; that there are such is kept, too.

    Raises:
        StudyChangedError: the code of one is another, and its runs are not accepted.
    """
    if not found:
        return
    database.create()  # a database of an earlier version lacks the table
    known = _known(database, study)
    changed = [kind for kind, digest in found.items() if completed and known.get(kind, digest) != digest]
    if changed and not accept:
        raise StudyChangedError(
            f"the code of {', '.join(map(repr, changed))} has changed since runs of the study {study!r} completed with "
            f"it: {completed}. Run it under another name with --as NAME, or in another home with --home, or keep those "
            "runs with --changed-code, and its report says so (in Python: name, home, changed_code)"
        )
    with database.transaction() as transaction:
        for kind, digest in found.items():
            transaction.execute(
                "INSERT INTO code_digests (study, kind, python, digest, changes) "
                "VALUES (:study, :kind, :python, :digest, 0) ON CONFLICT (study, kind) DO UPDATE "
                "SET python = :python, digest = :digest, changes = code_digests.changes + :changes",
                {
                    "study": study,
                    "kind": kind,
                    "python": VERSION,
                    "digest": digest,
                    "changes": int(kind in changed),
                },
            )


def changed_code(database: Database, study: str) -> tuple[str, ...]:
    """Return the kinds whose code changed while the study had completed runs."""
    with database.transaction() as transaction:
        if not transaction.has("code_digests"):
            return ()
        rows = transaction.rows(
            "SELECT kind FROM code_digests WHERE study = :study AND changes > 0 ORDER BY kind", {"study": study}
        )
    return tuple(str(kind) for (kind,) in rows)


def _known(database: Database, study: str) -> dict[str, str]:
    """Return the digests that can be compared: those that this version of Python has made."""
    with database.transaction() as transaction:
        rows = transaction.rows(
            "SELECT kind, digest FROM code_digests WHERE study = :study AND python = :python",
            {"study": study, "python": VERSION},
        )
    return {str(kind): str(digest) for kind, digest in rows}
