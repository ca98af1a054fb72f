from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.reporting.analysis.pairing import account_for, compare
from harness.reporting.checks.badge import Badge
from harness.reporting.checks.integrity import integrity_of
from harness.reporting.data.collect import collect
from harness.reporting.data.columns import DIFFERS, REPRODUCED
from harness.reporting.data.study_data import StudyData
from harness.staging.study_spec import StudySpec
from harness.staging.workspace import Workspace

MakeHome = Callable[..., Path]


def badges_of(data: StudyData) -> dict[str, Badge]:
    comparison = compare(data.runs.drop_duplicates(["trial", "arm", "seed"]), "unfrozen", "frozen", "test/accuracy/all")
    return {badge.name: badge for badge in integrity_of(data, comparison, account_for(data, comparison))}


def with_spec(data: StudyData, **fields: Any) -> StudyData:
    return replace(data, study=replace(data.study, spec=StudySpec({**data.study.spec, **fields})))


def test_a_finished_study_passes_what_its_data_can_show(finished_data: StudyData) -> None:
    found = badges_of(finished_data)

    assert {name for name, badge in found.items() if badge.status == "PASS"} == {
        *("same start", "same data order", "equal budget", "seeds disjoint", "test opened once"),
        *("plan unchanged", "runs as planned", "all runs accounted for"),
    }
    assert {badge.status for badge in found.values()} == {"PASS", "NOT CHECKED"}


def test_every_badge_has_one_sentence_of_evidence(finished_data: StudyData) -> None:
    for badge in badges_of(finished_data).values():
        assert badge.evidence.endswith(".")
        assert badge.evidence[:1].isupper()


@pytest.mark.parametrize(
    ("kind", "status"), [("quasi_random", "PASS"), ("random", "PASS"), ("grid", "PASS"), ("tpe", "FAIL")]
)
def test_a_search_that_looks_at_results_has_seen_the_seeds(finished_data: StudyData, kind: str, status: str) -> None:
    data = with_spec(finished_data, sampler={"kind": kind})

    badge = badges_of(data)["seeds disjoint"]

    assert badge.status == status
    assert kind in badge.evidence


def test_a_seed_that_counts_twice_is_noticed(finished_data: StudyData) -> None:
    data = finished_data
    data = replace(data, runs=pd.concat([data.runs, data.runs.iloc[:1]], ignore_index=True))

    found = badges_of(data)

    assert found["seeds disjoint"].status == "FAIL"
    assert found["all runs accounted for"].status == "FAIL"


def test_runs_that_have_not_ended_and_runs_that_failed_are_counted(make_home: MakeHome) -> None:
    home = make_home(trials=6, seeds=1, missing=((0, "frozen", 0),), failed=((1, "frozen", 0),))

    badge = badges_of(collect(Workspace(home), "freeze-or-not"))["all runs accounted for"]

    assert badge.status == "FAIL"
    assert badge.evidence.startswith("Of 12 planned runs, 10 completed and 1 failed; 1 have not ended")


def test_a_run_that_is_not_the_planned_one_is_named(finished_data: StudyData) -> None:
    data = finished_data
    data = with_spec(data, base={**data.study.spec["base"], "precision": "fp32"})

    badge = badges_of(data)["runs as planned"]

    assert badge.status == "FAIL"
    assert badge.evidence.startswith("24 of 24 configurations")
    assert "precision" in badge.evidence


def test_a_plan_that_was_changed_after_runs_began_is_noticed_but_not_one_that_gained_a_field(
    finished_data: StudyData,
) -> None:
    data = finished_data
    gained, changed = with_spec(data, gained=0), with_spec(data, smallest_effect=0.0)

    found = [
        badges_of(each)["plan unchanged"] for each in (replace(gained, earlier=(data.study.spec,)), gained, changed)
    ]

    assert [badge.status for badge in found] == ["PASS", "FAIL", "FAIL"]
    assert "after 24 of them" in found[0].evidence
    assert found[2].evidence.startswith("24 of 24 runs")


def test_of_a_tuned_study_the_runs_of_the_searches_count_too(finished_data: StudyData) -> None:
    data = finished_data
    searched = replace(data, runs=data.runs.assign(**{REPRODUCED: [DIFFERS, *[""] * 23]}))
    confirming = with_spec(replace(data, runs=data.runs.iloc[12:], searched=searched), space={})

    found = badges_of(confirming)

    assert found["reproduced"].status == "FAIL"
    assert found["plan unchanged"].evidence.endswith("over all 24 runs.")


@pytest.mark.parametrize(
    ("later", "status", "said"), [(0, "FAIL", "2 seeds of the"), (1, "FAIL", "1 seed of the"), (2, "PASS", "No seed")]
)
def test_of_a_tuned_study_no_seed_of_a_search_confirms(
    finished_data: StudyData, later: int, status: str, said: str
) -> None:
    data = finished_data
    confirms = np.arange(len(data.runs)) >= 12
    data.runs["seed"] = data.runs["seed"] % 1000 + np.where(confirms, later, 0)

    badge = badges_of(with_spec(replace(data, runs=data.runs[confirms], searched=data), space={}))["seeds disjoint"]

    assert badge.status == status
    assert badge.evidence.startswith(said)


def test_a_study_without_runs_has_nothing_to_check(finished_data: StudyData) -> None:
    data = finished_data

    found = badges_of(replace(data, runs=data.runs.iloc[:0]))

    assert found["runs as planned"].status == "NOT CHECKED"
    assert found["all runs accounted for"].status == "FAIL"
