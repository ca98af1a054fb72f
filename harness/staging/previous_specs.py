"""The digest of a study's spec, and the specs that a study had before a newer version of harness added fields.

The table and its columns keep the names that they have in databases: `earlier_forms`, with a column `plan`.
"""

import json
from collections.abc import Mapping
from typing import Any

from harness.core.digest import digest
from harness.staging.database import Database
from harness.staging.stored_json import stored_object

__all__ = ["MUTABLE_FIELDS", "previous_specs", "save_previous_spec", "spec_digest"]

MUTABLE_FIELDS = ("question", "seeds", "title", "trials")  # a study that changes only these stays the same study


def spec_digest(spec: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a study's spec without its mutable fields."""
    return digest({name: value for name, value in spec.items() if name not in MUTABLE_FIELDS})


def save_previous_spec(database: Database, study: str, spec: Mapping[str, Any]) -> None:
    """Keep the spec of a study that an earlier version of harness wrote, before its current spec replaces it.

    The caller has checked that both mean the same: the current one only has fields that the earlier version did not
    know, at their defaults.
    """
    database.create()  # a database of that earlier version may lack the table
    with database.transaction() as transaction:
        transaction.execute(
            "INSERT INTO earlier_forms (study, plan, spec) VALUES (:study, :digest, :spec) ON CONFLICT DO NOTHING",
            {"study": study, "digest": spec_digest(spec), "spec": json.dumps(spec)},
        )


def previous_specs(database: Database, study: str) -> dict[str, dict[str, Any]]:
    """Return the previous specs of a study by their digests."""
    with database.transaction() as transaction:
        if not transaction.has("earlier_forms"):
            return {}
        rows = transaction.rows(
            "SELECT plan, spec FROM earlier_forms WHERE study = :study ORDER BY plan", {"study": study}
        )
    return {sha256: stored_object(spec, f"an earlier spec of the study {study!r}") for sha256, spec in rows}
