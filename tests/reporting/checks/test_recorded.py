from typing import Any

import pandas as pd
import pytest

from harness.reporting.checks.recorded import frozen_means_frozen, opened_once, reproduced, spec_unchanged
from harness.reporting.data.columns import FROZEN_AFTER, FROZEN_BEFORE, REPRODUCED, SPEC_DIGEST, TEST_SET_ACCESSES
from harness.staging.previous_specs import spec_digest

SPEC = {"name": "a", "arms": {"x": {}}, "trials": 3, "seeds": 2}


def runs_with(**columns: list[Any]) -> pd.DataFrame:
    size = len(next(iter(columns.values()), [0, 0]))
    return pd.DataFrame({"status": ["completed"] * size, **columns})


@pytest.mark.parametrize(
    ("after", "status", "said"),
    [
        (["a", "b", ""], "PASS", "in all 2 runs that froze any"),
        (["a", "c", ""], "FAIL", "changed in 1 of 2 runs"),
        (["a", "", ""], "FAIL", "changed in 1 of 2 runs"),
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
    badge = opened_once(runs_with(**{TEST_SET_ACCESSES: openings}))

    assert badge.status == status
    assert said in badge.evidence


def test_a_plan_may_grow_in_trials_and_seeds_alone() -> None:
    digest = spec_digest(SPEC)

    assert spec_unchanged(runs_with(**{SPEC_DIGEST: [digest] * 2}), {**SPEC, "trials": 9, "seeds": 5}).status == "PASS"
    changed = spec_unchanged(runs_with(**{SPEC_DIGEST: [digest] * 2}), {**SPEC, "arms": {"y": {}}})
    assert changed.status == "FAIL"
    assert "2 of 2 runs" in changed.evidence


def test_a_plan_that_gained_fields_is_the_same_plan_where_its_earlier_form_is_known() -> None:
    runs = runs_with(**{SPEC_DIGEST: [spec_digest(SPEC), spec_digest(SPEC | {"more": 0})]})

    known = spec_unchanged(runs, SPEC | {"more": 0}, [spec_digest(SPEC)])
    unknown = spec_unchanged(runs, SPEC | {"more": 0})

    assert (known.status, unknown.status) == ("PASS", "FAIL")
    assert known.evidence.endswith("over all 2 runs, but for fields that its spec gained after 1 of them.")
    assert unknown.evidence.startswith("1 of 2 runs")


def trained_again(*outcomes: str) -> pd.DataFrame:
    places = {
        "trial": range(len(outcomes)),
        "arm": "frozen",
        "seed": 0,
        "run_id": [f"r{n}" for n in range(len(outcomes))],
    }
    return runs_with(**{REPRODUCED: list(outcomes)}).assign(**places)


@pytest.mark.parametrize(
    ("outcomes", "status", "said"),
    [
        (["same", "", "same"], "PASS", "2 of 3 completed runs were trained again, alone and from step 0: equal to"),
        (["", "same"], "PASS", "1 of 2 completed runs was trained again"),
        (
            ["same", "", "differs"],
            "FAIL",
            "1 of 2 runs trained again came out different, such as trial 2 · frozen · seed 0 (r2)",
        ),
        (["", ""], "NOT CHECKED", "No run was: harness reproduce STUDY trains one again"),
    ],
)
def test_runs_that_were_trained_again_are_counted(outcomes: list[str], status: str, said: str) -> None:
    badge = reproduced(trained_again(*outcomes))

    assert badge.status == status
    assert badge.evidence.startswith(said)


def test_only_completed_runs_count_as_trained_again() -> None:
    runs = trained_again("same", "same", "differs").assign(status=["completed", "completed", "failed"])

    assert reproduced(runs).evidence.startswith("2 of 2 completed runs")


def test_the_badges_of_reports_that_recorded_less_keep_their_words() -> None:
    runs = runs_with()

    assert spec_unchanged(runs, SPEC).evidence == "The digest of the plan was not recorded with any run."
    assert reproduced(runs).evidence == "No report can train: harness verify with --rerun 3 trains runs of it again."


def test_what_was_not_recorded_is_not_checked() -> None:
    runs = runs_with()
    nobody = runs_with(**{TEST_SET_ACCESSES: [1]}).iloc[:0]

    badges = (frozen_means_frozen(runs), opened_once(runs), spec_unchanged(runs, SPEC), opened_once(nobody))
    of_runs_trained_again = (reproduced(runs), reproduced(trained_again("").iloc[:0]))

    assert {badge.status for badge in (*badges, *of_runs_trained_again)} == {"NOT CHECKED"}
