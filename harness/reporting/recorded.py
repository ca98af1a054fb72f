"""Badges of single runs, from digests and counts that runs record as they train.

Each looks at columns of the runs that need not be there: runs of older versions have not recorded them.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from harness.core.digest import digest
from harness.reporting.badge import Badge, every, not_checked, passed_unless
from harness.reporting.wording import count

__all__ = [
    "FROZEN_AFTER",
    "FROZEN_BEFORE",
    "PLAN",
    "TEST_OPENINGS",
    "frozen_means_frozen",
    "opened_once",
    "plan_digest",
    "plan_unchanged",
]

# SHA-256 over all frozen tensors, buffers among them, when they were frozen and at the end; empty if none were.
FROZEN_BEFORE, FROZEN_AFTER = "frozen_before_sha256", "frozen_after_sha256"
TEST_OPENINGS = "test_openings"  # how often the run was shown the test split
PLAN = "plan_sha256"  # what `plan_digest` gave when the run began


def frozen_means_frozen(runs: pd.DataFrame) -> Badge:
    """Check that what was frozen has not moved by a bit."""
    name = "frozen means frozen"
    if not {FROZEN_BEFORE, FROZEN_AFTER} <= set(runs.columns):
        return not_checked(name, "Digests of frozen tensors were not recorded.")
    held = runs[(runs[FROZEN_BEFORE] != "") & (runs["status"] == "completed")]
    if not len(held):
        return not_checked(name, "No completed run has recorded anything frozen.")
    moved = int((held[FROZEN_BEFORE] != held[FROZEN_AFTER]).sum())
    return passed_unless(
        name,
        moved,
        passed=f"Frozen tensors kept their digest to the end in {every(len(held), 'run')} that froze any.",
        failed=f"Frozen tensors changed in {moved:,} of {count(len(held), 'run')} that froze any.",
    )


def opened_once(runs: pd.DataFrame) -> Badge:
    """Check that no run was shown the test split twice."""
    name = "test opened once"
    if TEST_OPENINGS not in runs:
        return not_checked(name, "How often the test split was opened was not recorded.")
    opened = runs.loc[runs["status"] == "completed", TEST_OPENINGS]
    if not len(opened):
        return not_checked(name, "No run has completed.")
    return passed_unless(
        name,
        wrong := int((opened != 1).sum()),
        passed=f"The test split was opened once, at the end, by {every(len(opened), 'completed run')}.",
        failed=f"{wrong:,} of {count(len(opened), 'completed run')} opened the test split more than once, or never.",
    )


def plan_unchanged(runs: pd.DataFrame, spec: Mapping[str, Any]) -> Badge:
    """Check that all runs were begun under the plan that the report follows."""
    name = "plan unchanged"
    if PLAN not in runs or not len(runs):
        return not_checked(name, "The digest of the plan was not recorded with any run.")
    other = int((runs[PLAN] != plan_digest(spec)).sum())
    return passed_unless(
        name,
        other,
        passed=f"The plan has had the same digest since the first run, over {every(len(runs), 'run')}.",
        failed=f"{other:,} of {count(len(runs), 'run')} were begun under another plan than the one reported on.",
    )


def plan_digest(spec: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a study's spec without the numbers of trials and seeds, which may be raised later."""
    return digest({name: value for name, value in spec.items() if name not in ("trials", "seeds")})
