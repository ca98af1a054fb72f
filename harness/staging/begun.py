"""The plan that runs are begun under: the digest of a study's spec, and the forms in which that was written before."""

import json
from collections.abc import Mapping
from typing import Any

from harness.core.digest import digest
from harness.staging.database import Database

__all__ = ["MAY_CHANGE", "earlier_forms", "plan_digest", "save_earlier_form"]

MAY_CHANGE = ("question", "seeds", "title", "trials")  # while a study goes on, which stays the same study


def plan_digest(spec: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a study's spec without what may change while the study goes on."""
    return digest({name: value for name, value in spec.items() if name not in MAY_CHANGE})


def save_earlier_form(database: Database, study: str, spec: Mapping[str, Any]) -> None:
    """Keep how a study's spec was written before fields came that it has not set; whoever calls has read it as now."""
    database.create()  # whoever wrote that form may have known no table for it
    with database.transaction() as transaction:
        transaction.execute(
            "INSERT INTO earlier_forms (study, plan, spec) VALUES (:study, :plan, :spec) ON CONFLICT DO NOTHING",
            {"study": study, "plan": plan_digest(spec), "spec": json.dumps(spec)},
        )


def earlier_forms(database: Database, study: str) -> dict[str, dict[str, Any]]:
    """Return the specs that the present one was before, by their digests as plans."""
    with database.transaction() as transaction:
        if not transaction.has("earlier_forms"):
            return {}
        rows = transaction.rows(
            "SELECT plan, spec FROM earlier_forms WHERE study = :study ORDER BY plan", {"study": study}
        )
    return {plan: json.loads(spec) for plan, spec in rows}
