"""Tags of a study and of a run: what users filter by, and what is neither a param nor a metric."""

import json
import math

from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.staging.previous_specs import spec_digest
from harness.tracking.content.points import non_finite

__all__ = ["DIGEST_CHARACTERS", "ENDED_TAGS", "MOST_TAG_CHARACTERS", "OPTIONAL_TAGS", "run_tags", "study_tags"]

MOST_TAG_CHARACTERS = 8000
DIGEST_CHARACTERS = 16
OPTIONAL_TAGS = {"git_commit", "growth_steps", "long_params", "not_finite", "parent_stage", "reason", "stage"}
ENDED_TAGS = {"outcome", "reason"}  # only runs that have ended have them


def study_tags(study: StudyRecord) -> dict[str, str]:
    """Return the tags of a study."""
    return {"study": study.name, "planned_runs": str(study.planned_runs), "spec_hash": _spec_hash(study)}


def run_tags(study: StudyRecord, record: RunRecord, history: History) -> dict[str, str]:
    """Return the tags of a run with its whole history; those in `OPTIONAL_TAGS` are left out if empty."""
    tags = {
        "study": record.study,
        "trial": str(record.trial),
        "arm": record.arm,
        "seed": str(record.seed),
        "run_id": record.run_id,
        "spec_hash": _spec_hash(study),
    }
    if "comparison" in study.spec:
        tags["comparison"] = json.dumps(study.spec.comparison)
    if record.stages:
        tags["stage"] = record.stages[-1].key[:DIGEST_CHARACTERS]
    if len(record.stages) > 1:
        tags["parent_stage"] = record.stages[-2].key[:DIGEST_CHARACTERS]
    if record.growths:
        tags["growth_steps"] = ", ".join(str(growth["step"]) for growth in record.growths)
    if record.commit:
        tags["git_commit"] = record.commit
    if record.status != "running":
        tags["outcome"] = record.status
    if record.reason:
        tags["reason"] = record.reason
    return tags | _non_finite_tag(record, history)


def _spec_hash(study: StudyRecord) -> str:
    return spec_digest(study.spec)[:DIGEST_CHARACTERS]


def _non_finite_tag(record: RunRecord, history: History) -> dict[str, str]:
    counts = {name: non_finite(history[name]) for name in history}
    points = [f"{name} at {count} of {len(history[name].steps)} steps" for name, count in counts.items() if count]
    results = [name for name, value in sorted(record.metrics.items()) if not math.isfinite(value)]
    return {"not_finite": ", ".join(points + results)} if points or results else {}
