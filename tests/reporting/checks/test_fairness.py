import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.reporting.analysis.pairing import account_for, compare
from harness.reporting.checks.badge import Badge
from harness.reporting.checks.fairness import equal_budget, same_order, same_start
from harness.reporting.data.study_data import StudyData

METRIC = "test/accuracy/all"
ARMS = ("unfrozen", "frozen")


@pytest.fixture
def data(finished_data: StudyData) -> StudyData:
    return finished_data


def with_config(runs: pd.DataFrame, change: Callable[[dict[str, Any]], None]) -> pd.DataFrame:
    """Return the runs with the configuration of one of them changed, that of a frozen run."""
    configs = runs["config"].tolist()
    place = int(np.flatnonzero(runs["arm"] == "frozen")[3])
    config = json.loads(configs[place])
    change(config)
    configs[place] = json.dumps(config)
    return runs.assign(config=configs)


def order_of(runs: pd.DataFrame) -> Badge:
    return same_order(runs, compare(runs, *ARMS, METRIC))


def budget_of(runs: pd.DataFrame) -> Badge:
    return equal_budget(runs, compare(runs, *ARMS, METRIC))


def test_arms_that_went_on_from_different_states_are_counted(data: StudyData) -> None:
    comparison = compare(data.runs, *ARMS, METRIC)
    account = account_for(data, comparison)
    data.runs.loc[data.runs["run_id"] == data.runs["run_id"][0], "fork"] = "elsewhere@150"
    apart = account_for(data, comparison)

    assert same_start(account) == Badge(
        "same start", "PASS", "Both runs of all 12 pairs that grew went on from the same stored state."
    )
    assert same_start(apart).status == "FAIL"
    assert "In 1 of 12 pairs" in same_start(apart).evidence


def test_arms_that_did_not_grow_have_no_start_to_compare(data: StudyData) -> None:
    data.runs["fork"] = ""

    assert same_start(account_for(data, compare(data.runs, *ARMS, METRIC))).status == "NOT CHECKED"


def test_one_seed_and_task_give_one_order(data: StudyData) -> None:
    badge = order_of(data.runs)

    assert badge.status == "PASS"
    assert "all 12 pairs" in badge.evidence


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda config: config.update(seed=7), "seed"),
        (lambda config: config["task"].update(split_seed=1), "task"),
        (lambda config: config["training"].update(batch_size=8), "training.batch_size"),
        (lambda config: config["training"].update(augment=[{"kind": "flip"}]), "training.augment"),
        (lambda config: config["training"].update(replay={"kind": "some"}), "training.replay"),
        (lambda config: config["training"].update(memory={"kind": "reservoir"}), "training.memory"),
    ],
)
def test_what_decides_the_order_is_looked_at_in_every_pair(
    data: StudyData, change: Callable[[dict[str, Any]], None], named: str
) -> None:
    badge = order_of(with_config(data.runs, change))

    assert badge.status == "FAIL"
    assert f"differ in {named}," in badge.evidence


def test_arms_that_bring_classes_at_different_steps_are_not_called_equal(data: StudyData) -> None:
    badge = order_of(with_config(data.runs, lambda config: config.update(growths=[{"trigger": {"step": 3}}])))

    assert badge.status == "NOT CHECKED"


@pytest.mark.parametrize(("steps", "status"), [(600.0, "PASS"), (590.0, "PASS"), (500.0, "FAIL")])
def test_arms_may_differ_by_a_twentieth_in_their_updates(data: StudyData, steps: float, status: str) -> None:
    runs = data.runs.assign(**{"cost/steps": np.where(data.runs["arm"] == "frozen", steps, 600.0)})

    badge = budget_of(runs)

    assert badge.status == status
    assert ("equally many" in badge.evidence) == (steps == 600)


def test_arms_of_as_many_operations_have_the_same_budget(data: StudyData) -> None:
    updates = np.where(data.runs["arm"] == "frozen", 300.0, 600.0)

    badge = budget_of(data.runs.assign(**{"cost/steps": updates, "cost/flops": 1e9}))

    assert badge.status == "PASS"
    assert badge.evidence.endswith("300 under frozen, whose operations are within 5 % of each other.")


@pytest.mark.parametrize("alike", [True, False])
def test_arms_that_are_stopped_early_alike_have_the_same_budget(data: StudyData, alike: bool) -> None:
    frozen = data.runs["arm"] == "frozen"
    stopping = [{"steps": 600, "early_stopping": {"kind": "plateau", "patience": patience}} for patience in (3, 5)]
    configs = [json.dumps(stopping[0 if alike or own else 1]) for own in frozen]
    runs = data.runs.assign(**{"config": configs, "cost/steps": np.where(frozen, 300.0, 600.0)})

    badge = budget_of(runs)

    assert badge.status == ("PASS" if alike else "FAIL")
    assert badge.evidence.startswith("On average 600 updates under unfrozen, 300 under frozen")
    assert ("the same rule could stop both early" in badge.evidence) == alike


def test_without_pairs_or_counts_nothing_is_checked(data: StudyData) -> None:
    nobody = data.runs.assign(status="running")

    assert order_of(nobody).status == "NOT CHECKED"
    assert budget_of(nobody).status == "NOT CHECKED"
    assert budget_of(data.runs.drop(columns="cost/steps")).status == "NOT CHECKED"


def test_pairs_of_diverged_runs_have_no_budget_to_compare(data: StudyData) -> None:
    fell = (data.runs["arm"] == "frozen") & (data.runs["trial"] > 0)
    runs = data.runs.assign(
        status=data.runs["status"].mask(fell, "failed"), reason=data.runs["reason"].mask(fell, "DivergedError: nan")
    )
    runs = runs[(runs["trial"] > 0) | (runs["arm"] == "unfrozen")]

    badge = equal_budget(runs, compare(runs, *ARMS, METRIC, failure_value=0.1))

    assert badge.status == "NOT CHECKED"
    assert "did both runs complete" in badge.evidence
