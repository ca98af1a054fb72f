from dataclasses import replace

import pandas as pd
import pytest

from harness.reporting.analysis.pairing import account_for, primary_comparison
from harness.reporting.analysis.tuned import confirmed
from harness.reporting.checks.integrity import integrity_of
from harness.reporting.context import ReportContext
from harness.reporting.data.columns import FIXED
from harness.reporting.data.study_data import StudyData
from harness.reporting.tables.searches import searches_table
from harness.reporting.tables.winners import winners_table
from harness.reporting.text.verdict import judge
from harness.staging.ledger import StudyOrigin, StudyRecord
from harness.staging.study_spec import StudySpec

SPEC = {
    "arms": {"frozen": {}, "unfrozen": {}},
    "comparison": ["unfrozen", "frozen"],
    "metric": "accuracy/all",
    "space": {"where": {}},
    "sampler": {"kind": "tpe"},
    "baselines": [{"where": "a"}],
}
# Two replicates of two trials: trial 0 and 2 are of replicate 0, 1 and 3 of replicate 1; 4 and 5 confirm.
SEARCHED = {"frozen": {0: ("a", 0.5), 1: ("a", 0.6), 2: ("b", 0.7), 3: ("b", 0.4)}, "unfrozen": {}}
SEARCHED["unfrozen"] = {trial: (where, value + 0.1) for trial, (where, value) in SEARCHED["frozen"].items()}
CONFIRMED = {
    "frozen": {4: ("b", [0.6, 0.8]), 5: ("a", [0.5, 0.7])},
    "unfrozen": {4: ("b", [0.9, 0.9]), 5: ("a", [0.8])},
}


def tuned_data(design: dict[str, object] | None = None) -> StudyData:
    """Return the data of a study with one seed in its searches and two that confirm; one of these has not ended."""
    rows = []
    for arm in SEARCHED:
        for trial, (where, value) in SEARCHED[arm].items():
            rows.append(row(trial, arm, trial % 2, where) | {"val/accuracy/all": value})
        for trial, (where, values) in CONFIRMED[arm].items():
            for n, value in enumerate(values):
                one = row(trial, arm, trial % 2 + 2 + 2 * n, where)
                rows.append(one | {"val/accuracy/all": 0.0, "test/accuracy/all": value})
    runs = pd.DataFrame(rows)
    curves = runs[["run_id", "trial", "arm", "seed"]].assign(name="val/loss/total", step=10, grown=False, value=1.0)
    spec = SPEC | {"design": design or {"kind": "tuned", "replicates": 2, "confirmation": 2}}
    record = StudyRecord("tuned", StudySpec(spec), trials=2, seeds=1)
    return StudyData(record, runs, curves, ("lost in the search", runs["run_id"].iloc[-1]), StudyOrigin("tuned"))


def row(trial: int, arm: str, seed: int, where: str) -> dict[str, object]:
    known = {"trial": trial, "arm": arm, "seed": seed, "run_id": f"{trial} {arm} {seed}", "status": "completed"}
    costs = {"cost/steps": 100.0, "cost/seconds": 2.0 + (arm == "unfrozen")}
    return dict.fromkeys(FIXED, "") | known | {"param/where": where} | costs


def test_what_is_compared_are_the_runs_that_confirm_one_unit_a_replicate() -> None:
    compared = confirmed(tuned_data())

    places = compared.runs[["trial", "arm", "seed", "test/accuracy/all"]].to_numpy().tolist()
    assert sorted(places) == [
        [0, "frozen", 2, 0.6],
        [0, "frozen", 4, 0.8],
        [0, "unfrozen", 2, 0.9],
        [0, "unfrozen", 4, 0.9],
        [1, "frozen", 3, 0.5],
        [1, "frozen", 5, 0.7],
        [1, "unfrozen", 3, 0.8],
    ]
    assert compared.labels == []
    assert "param/where" not in compared.runs
    assert (compared.study.trials, compared.study.seeds, compared.study.planned_runs) == (2, 2, 8)
    assert compared.lost == ("5 unfrozen 3",)
    assert set(compared.curves["run_id"]) == set(compared.runs["run_id"])
    assert set(compared.curves["trial"]) == {0, 1}


def test_the_verdict_counts_replicates_and_nobody_expects_them_to_start_alike() -> None:
    found = tuned_data()
    found.study.spec["base"] = {}
    data = confirmed(replace(found, runs=found.runs.assign(fork=found.runs["arm"], config="{}")))

    comparison = primary_comparison(data)
    account = account_for(data, comparison)
    badges = {badge.name: badge for badge in integrity_of(data, comparison, account)}

    verdict = judge(comparison, data.measure("test/accuracy/all"), 0.0)
    assert "needs 5 replicates that completed under both arms, and there are 2 replicates with" in verdict.sentence
    assert badges["same start"].status == "NOT CHECKED"
    assert "tuned on its own" in badges["same start"].evidence
    assert (account.forks_checked, account.forks_shared) == (0, 0)


def test_a_study_without_a_confirmation_is_compared_as_it_is() -> None:
    data = tuned_data({"kind": "paired"})

    assert confirmed(data) is data
    assert (searches_table(ReportContext(data)), winners_table(ReportContext(data))) == (None, None)


def test_winners_are_listed_with_what_they_had_and_what_they_came_to() -> None:
    table = winners_table(ReportContext(tuned_data()))

    assert table is not None
    assert table.frame.to_dict("records") == [
        pytest.approx(record)
        for record in [
            {"search": 0, "arm": "frozen", "where": "b", "val/accuracy/all": 0.7, "test/accuracy/all": 0.7},
            {"search": 0, "arm": "unfrozen", "where": "b", "val/accuracy/all": 0.8, "test/accuracy/all": 0.9},
            {"search": 1, "arm": "frozen", "where": "a", "val/accuracy/all": 0.6, "test/accuracy/all": 0.6},
            {"search": 1, "arm": "unfrozen", "where": "a", "val/accuracy/all": 0.7, "test/accuracy/all": 0.8},
        ]
    ]


def test_winners_that_were_not_trained_again_yet_are_not_listed() -> None:
    data = tuned_data()
    half, none = (data.runs[data.runs["trial"] < trial] for trial in (5, 4))

    some, nothing = (
        winners_table(ReportContext(StudyData(data.study, runs, data.curves, (), data.origin)))
        for runs in (half, none.drop(columns="test/accuracy/all"))
    )

    assert some is not None
    assert nothing is not None
    assert some.frame["search"].tolist() == [0, 0]
    assert not len(nothing.frame)


def test_what_the_searches_spent_stands_side_by_side() -> None:
    table = searches_table(ReportContext(tuned_data()))

    assert table is not None
    assert table.frame.to_dict("records") == [
        {"arm": "frozen", "searches": 2, "trials": 4, "runs": 4, "updates": 400.0, "seconds": 8.0},
        {"arm": "unfrozen", "searches": 2, "trials": 4, "runs": 4, "updates": 400.0, "seconds": 12.0},
    ]
