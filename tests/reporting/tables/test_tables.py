from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

from harness.core.history import History
from harness.reporting.analysis.pairing import account_for, compare
from harness.reporting.data.collect import collect
from harness.reporting.data.measures import measure_of
from harness.reporting.tables._base import Table, csv_bytes
from harness.reporting.tables.listed import tables_of
from harness.staging.histories import FILES, stage_folder
from harness.staging.ledger import Ledger

METRIC = "test/accuracy/all"
MakeHome = Callable[..., Path]


def tables_in(home: Path) -> dict[str, Table]:
    data = collect(home, "freeze-or-not")
    comparison = compare(data.runs, "unfrozen", "frozen", METRIC)
    return tables_of(data, comparison, account_for(data, comparison), measure_of(METRIC))


def test_every_row_is_as_long_as_the_head(finished_home: Path) -> None:
    for table in tables_in(finished_home).values():
        assert all(len(row) == len(table.head) == len(table.numeric) for row in table.rows), table.name


def test_the_difference_of_the_means_is_the_mean_of_the_differences(finished_home: Path) -> None:
    means = tables_in(finished_home)["primary"].frame["mean"]

    assert means[2] == pytest.approx(means[0] - means[1], abs=1e-15)


def test_the_primary_table_holds_the_test_and_the_size_of_the_difference(finished_home: Path) -> None:
    primary = tables_in(finished_home)["primary"]

    data = collect(finished_home, "freeze-or-not")
    comparison = compare(data.runs, "unfrozen", "frozen", METRIC)
    last = primary.frame.iloc[2]
    found = comparison.mean.p, comparison.mean.standardized, comparison.share_positive
    assert (last["p"], last["standardized"], last["share_positive"]) == pytest.approx(found)
    assert last["iqm"] == pytest.approx(stats.trim_mean(comparison.configurations["difference"], 0.25))
    assert f"{comparison.mean.standardized:.2f} standard deviations between configurations (dz)" in primary.note


def test_the_outcomes_hold_what_was_kept_learned_and_paid(finished_home: Path) -> None:
    outcomes = tables_in(finished_home)["outcomes"]

    assert outcomes.frame["metric"].tolist() == [
        "test/accuracy/all",
        "test/accuracy/late",
        "test/known_before_growth",
        "test/known_after_growth",
        "test/forgetting",
        "cost/seconds",
        "cost/steps",
        "growth/parameters_added",
    ]


def test_a_third_arm_is_listed_and_not_compared(make_home: MakeHome) -> None:
    arms = {"frozen": {}, "unfrozen": {"a": 1}, "partly": {"a": 2}}
    tables = tables_in(make_home(trials=5, seeds=1, arms=arms))

    assert [row[0] for row in tables["arms"].rows] == ["unfrozen", "frozen", "partly"]
    assert "partly, mean ± SD" in tables["outcomes"].head
    assert tables["runs_by_arm"].rows[2][-1] == "0"


@pytest.mark.parametrize("kind", ["str", "object", "category"])
@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_a_text_that_a_spreadsheet_would_run_is_prefixed(text: str, kind: str) -> None:
    frame = pd.DataFrame({text: [text, "plain"], "number": [-1.5, 2.0]}).astype({text: kind})

    content = csv_bytes(frame).decode()

    assert content.count("'" + text) == 2
    assert "-1.5" in content
    assert "'-1.5" not in content


def test_numbers_keep_every_digit() -> None:
    content = csv_bytes(pd.DataFrame({"value": [0.1 + 0.2, 1e-17]})).decode()

    assert content == "value\n0.30000000000000004\n1e-17\n"


def test_searched_leaves_are_written_as_json() -> None:
    content = csv_bytes(pd.DataFrame({"when": [{"kind": "at_step", "step": 3}, None]})).decode()

    assert content == 'when\n"{""kind"":""at_step"",""step"":3}"\n""\n'


def test_a_page_lists_the_first_of_very_many_runs_and_the_table_all(
    finished_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.reporting.tables.result_tables.MOST_RUNS", 5)

    runs = tables_in(finished_home)["runs"]

    assert (len(runs.rows), len(runs.frame)) == (5, 24)
    assert "the first 5 of 24 runs; tables/runs.csv has all" in runs.note


def test_what_the_growths_did_is_counted_over_all_of_them(make_home: MakeHome) -> None:
    home = make_home(trials=2, seeds=1)
    for run in Ledger(home).runs("freeze-or-not"):
        path = stage_folder(home / "store", run.stages[1]) / FILES[1]
        history = History.read(path)
        change = 0.25 if run.arm == "frozen" else 0.75
        history.record(run.stages[0].step, {"growth/logit_change": change, "growth/parameters_added": 1040.0})
        path.write_bytes(history.to_bytes())

    growths = tables_in(home)["growths"]

    assert growths.rows == (
        ("logit change", "4", "0.5000", "0.2500", "0.7500"),
        ("parameters added", "4", "1,040", "1,040", "1,040"),
    )
    assert growths.frame.to_dict("list") == {
        "name": ["growth/logit_change", "growth/parameters_added"],
        "size": [4, 4],
        "mean": [0.5, 1040.0],
        "min": [0.25, 1040.0],
        "max": [0.75, 1040.0],
    }


def test_a_run_that_recorded_nothing_of_its_growth_has_no_row(finished_home: Path) -> None:
    assert tables_in(finished_home)["growths"].rows == ()


def test_where_runs_diverged_an_accuracy_stands_with_them_and_without(make_home: MakeHome) -> None:
    arms = {"frozen": {}, "unfrozen": {"a": 1}, "partly": {"a": 2}}
    failed = ((0, "unfrozen", 0), (1, "partly", 0))
    outcomes = tables_in(make_home(trials=6, seeds=1, arms=arms, failed=failed))["outcomes"]

    frame = outcomes.frame[outcomes.frame["metric"] == METRIC]
    assert frame["runs"].tolist() == ["completed or diverged", "completed"]
    assert frame["configurations"].tolist() == [6, 5]
    assert frame["mean unfrozen"].iloc[0] < frame["mean unfrozen"].iloc[1]
    assert frame["mean partly"].iloc[0] < frame["mean partly"].iloc[1]
    assert outcomes.rows[0][0].endswith("diverged runs as guesses")
    assert "stand there twice" in outcomes.note
    assert set(outcomes.frame.loc[outcomes.frame["metric"] == "cost/seconds", "runs"]) == {"completed"}
