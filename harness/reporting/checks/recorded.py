"""Badges of single runs, from digests and counts that runs record as they train.

Each looks at columns of the runs that need not be there: runs of older versions have not recorded them.
"""

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from harness.reporting.checks.badge import Badge, every, not_checked, passed_unless
from harness.reporting.data.columns import (
    DIFFERS,
    FROZEN_AFTER,
    FROZEN_BEFORE,
    REPRODUCED,
    RUN,
    SPEC_DIGEST,
    TEST_SET_ACCESSES,
)
from harness.reporting.data.wording import count
from harness.staging.previous_specs import spec_digest
from harness.staging.run_name import run_name

__all__ = ["frozen_means_frozen", "opened_once", "reproduced", "spec_unchanged"]


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
    if TEST_SET_ACCESSES not in runs:
        return not_checked(name, "How often the test split was opened was not recorded.")
    opened = runs.loc[runs["status"] == "completed", TEST_SET_ACCESSES]
    if not len(opened):
        return not_checked(name, "No run has completed.")
    return passed_unless(
        name,
        wrong := int((opened != 1).sum()),
        passed=f"The test split was opened once, at the end, by {every(len(opened), 'completed run')}.",
        failed=f"{wrong:,} of {count(len(opened), 'completed run')} opened the test split more than once, or never.",
    )


def spec_unchanged(runs: pd.DataFrame, spec: Mapping[str, Any], earlier: Collection[str] = ()) -> Badge:
    """Check that all runs were begun under the plan that the report follows, or the same in an `earlier` form."""
    name = "plan unchanged"
    if SPEC_DIGEST not in runs or not len(runs):
        return not_checked(name, "The digest of the plan was not recorded with any run.")
    before = int(runs[SPEC_DIGEST].isin(earlier).sum())
    other = int((~runs[SPEC_DIGEST].isin([spec_digest(spec), *earlier])).sum())
    said = f"The plan has had the same digest since the first run, over {every(len(runs), 'run')}"
    said += f", but for fields that its spec gained after {before:,} of them" if before else ""
    return passed_unless(
        name,
        other,
        passed=f"{said}.",
        failed=f"{other:,} of {count(len(runs), 'run')} were begun under another plan than the one reported on.",
    )


def reproduced(runs: pd.DataFrame) -> Badge:
    """Check that all runs that were trained again came out the same."""
    name = "reproduced"
    if REPRODUCED not in runs:
        return not_checked(name, "No report can train: harness verify with --rerun 3 trains runs of it again.")
    completed = runs[runs["status"] == "completed"]
    again = completed[completed[REPRODUCED] != ""]
    if not len(again):
        how = "harness reproduce STUDY trains one again, harness verify --rerun 3 runs of a published report"
        return not_checked(name, f"No run was: {how}.")
    differ = again[again[REPRODUCED] == DIFFERS]
    places = differ[[*RUN, "run_id"]].head(1).to_numpy().tolist()
    example = "".join(f"{run_name(trial, arm, seed)} ({run})" for trial, arm, seed, run in places)
    total, were = count(len(completed), "completed run"), "was" if len(again) == 1 else "were"
    return passed_unless(
        name,
        len(differ),
        passed=f"{len(again):,} of {total} {were} trained again, alone and from step 0: equal to the bit, as the "
        "author recorded, not checked.",
        failed=f"{len(differ):,} of {count(len(again), 'run')} trained again came out different, such as {example}.",
    )
