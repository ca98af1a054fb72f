from typing import Any

import pandas as pd
import pytest

from harness.reporting.recorded import (
    FROZEN_AFTER,
    FROZEN_BEFORE,
    PLAN,
    TEST_OPENINGS,
    frozen_means_frozen,
    opened_once,
    plan_digest,
    plan_unchanged,
)

SPEC = {"name": "a", "arms": {"x": {}}, "trials": 3, "seeds": 2}


def runs_with(**columns: list[Any]) -> pd.DataFrame:
    size = len(next(iter(columns.values()), [0, 0]))
    return pd.DataFrame({"status": ["completed"] * size, **columns})


@pytest.mark.parametrize(
    ("after", "status", "said"),
    [
        (["a", "b", ""], "PASS", "in all 2 runs that froze any"),
        (["a", "c", ""], "FAIL", "changed in 1 of 2 runs"),
    ],
)
def test_a_frozen_tensor_that_moved_is_noticed(after: list[str], status: str, said: str) -> None:
    badge = frozen_means_frozen(runs_with(**{FROZEN_BEFORE: ["a", "b", ""], FROZEN_AFTER: after}))

    assert badge.status == status
    assert said in badge.evidence


def test_runs_that_freeze_nothing_say_nothing() -> None:
    badge = frozen_means_frozen(runs_with(**{FROZEN_BEFORE: ["", ""], FROZEN_AFTER: ["", ""]}))

    assert badge.status == "NOT CHECKED"


@pytest.mark.parametrize(
    ("openings", "status", "said"),
    [
        ([1, 1], "PASS", "by all 2 completed runs"),
        ([1, 2], "FAIL", "1 of 2 completed runs"),
        ([0, 1], "FAIL", "1 of 2 completed runs"),
    ],
)
def test_the_test_split_is_opened_exactly_once(openings: list[int], status: str, said: str) -> None:
    badge = opened_once(runs_with(**{TEST_OPENINGS: openings}))

    assert badge.status == status
    assert said in badge.evidence


def test_a_plan_may_grow_in_trials_and_seeds_alone() -> None:
    digest = plan_digest(SPEC)

    assert plan_unchanged(runs_with(**{PLAN: [digest] * 2}), {**SPEC, "trials": 9, "seeds": 5}).status == "PASS"
    changed = plan_unchanged(runs_with(**{PLAN: [digest] * 2}), {**SPEC, "arms": {"y": {}}})
    assert changed.status == "FAIL"
    assert "2 of 2 runs" in changed.evidence


def test_what_was_not_recorded_is_not_checked() -> None:
    runs = runs_with()
    nobody = runs_with(**{TEST_OPENINGS: [1]}).iloc[:0]

    badges = (frozen_means_frozen(runs), opened_once(runs), plan_unchanged(runs, SPEC), opened_once(nobody))

    assert {badge.status for badge in badges} == {"NOT CHECKED"}
