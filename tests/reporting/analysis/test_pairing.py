from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from harness.benchmarks.simulation import ARMS, SimulatedStudy
from harness.core.errors import InputError
from harness.reporting.analysis.pairing import account_for, compare
from harness.reporting.data.collect import collect
from harness.staging.workspace import Workspace

METRIC = "test/accuracy/all"
MakeHome = Callable[..., Path]


def runs_of(values: dict[tuple[int, str, int], float], failed: tuple[tuple[int, str, int], ...] = ()) -> pd.DataFrame:
    rows = [
        (trial, arm, seed, "failed" if (trial, arm, seed) in failed else "completed", value)
        for (trial, arm, seed), value in values.items()
    ]
    return pd.DataFrame(rows, columns=["trial", "arm", "seed", "status", METRIC])


def test_seeds_are_averaged_before_configurations() -> None:
    runs = runs_of(
        {(0, "a", 0): 0.9, (0, "b", 0): 0.8, (0, "a", 1): 0.7, (0, "b", 1): 0.8, (1, "a", 0): 0.5, (1, "b", 0): 0.4}
    )

    comparison = compare(runs, "a", "b", METRIC)

    assert comparison.configurations["difference"].tolist() == pytest.approx([0.0, 0.1])
    assert comparison.configurations["seeds"].tolist() == [2, 1]
    assert comparison.mean.mean == pytest.approx(0.05)
    assert comparison.mean.units == 2


def test_a_failed_or_missing_or_infinite_run_takes_its_partner_out() -> None:
    runs = runs_of(
        {
            (0, "a", 0): 0.9,
            (0, "b", 0): 0.8,
            (1, "a", 0): 0.9,
            (2, "a", 0): 0.9,
            (2, "b", 0): 0.1,
            (3, "a", 0): np.inf,
            (3, "b", 0): 0.5,
        },
        failed=((2, "b", 0),),
    )

    comparison = compare(runs, "a", "b", METRIC)

    assert comparison.pairs["trial"].tolist() == [0]


def test_a_metric_that_no_run_has_gives_no_pairs() -> None:
    comparison = compare(runs_of({(0, "a", 0): 1.0, (0, "b", 0): 1.0}), "a", "b", "test/unknown")

    assert comparison.mean.units == 0
    assert comparison.leave_one_out is None
    assert np.isnan(comparison.share_positive)


def test_leaving_one_out_finds_the_configuration_that_carries_the_mean() -> None:
    runs = runs_of({(trial, arm, 0): trial * (arm == "a") for trial in range(3) for arm in "ab"})

    comparison = compare(runs, "a", "b", METRIC)

    assert comparison.leave_one_out == pytest.approx((0.5, 1.5))
    assert comparison.share_positive == pytest.approx((2 + 0.5) / 3)


def test_every_planned_run_is_accounted_for(make_home: MakeHome) -> None:
    home = make_home(trials=5, seeds=2, failed=((0, "frozen", 1),), missing=((1, "unfrozen", 0), (1, "frozen", 0)))
    data = collect(Workspace(home), "freeze-or-not")

    account = account_for(data, compare(data.runs, "unfrozen", "frozen", METRIC))

    assert [(arm.arm, arm.completed, arm.failed, arm.unfinished) for arm in account.arms] == [
        ("unfrozen", 9, 0, 1),
        ("frozen", 8, 1, 1),
    ]
    assert (account.pairs_planned, account.pairs_compared) == (10, 8)
    assert (account.forks_checked, account.forks_shared) == (8, 8)
    assert account.reasons == (("DivergedError: total is nan at step 225", 1),)


def with_reasons(runs: pd.DataFrame, reason: str) -> pd.DataFrame:
    return runs.assign(reason=np.where(runs["status"] == "failed", reason, ""))


def test_a_diverged_run_counts_as_the_failure_value_and_is_counted() -> None:
    values = {(trial, arm, 0): 0.8 + 0.1 * (arm == "a") for trial in range(3) for arm in "ab"}
    runs = with_reasons(runs_of(values, failed=((1, "a", 0),)), "diverged: total is nan")

    treated = compare(runs, "a", "b", METRIC, failure_value=0.1)
    completed = compare(runs, "a", "b", METRIC)

    assert treated.configurations["difference"].tolist() == pytest.approx([0.1, -0.7, 0.1])
    assert (treated.imputed, treated.failure_value) == (1, 0.1)
    assert completed.configurations["trial"].tolist() == [0, 2]
    assert (completed.imputed, completed.failure_value) == (0, None)


def test_an_arm_that_always_diverges_is_compared_all_the_same() -> None:
    values = {(trial, arm, 0): 0.8 for trial in range(6) for arm in "ab"}
    runs = with_reasons(runs_of(values, failed=tuple((trial, "b", 0) for trial in range(6))), "diverged: x")

    comparison = compare(runs, "a", "b", METRIC, failure_value=0.1)

    assert comparison.mean.mean == pytest.approx(0.7)
    assert comparison.imputed == 6


def test_where_everything_diverged_there_is_nothing_to_compare() -> None:
    values = {(trial, arm, 0): 0.8 for trial in range(6) for arm in "ab"}
    runs = with_reasons(runs_of(values, failed=tuple(values)), "diverged: x")

    assert compare(runs, "a", "b", METRIC, failure_value=0.1).mean.units == 0


def test_a_run_that_failed_for_another_reason_counts_nowhere() -> None:
    runs = with_reasons(runs_of({(0, "a", 0): 0.8, (0, "b", 0): 0.7}, failed=((0, "a", 0),)), "out of memory")

    assert compare(runs, "a", "b", METRIC, failure_value=0.1).mean.units == 0


def test_failed_runs_are_left_out_unless_they_count() -> None:
    runs = runs_of({(0, "a", 0): 0.8, (0, "b", 0): 0.7, (1, "a", 0): 0.8, (1, "b", 0): 0.7}, failed=((0, "a", 0),))
    runs.loc[runs["status"] == "failed", "metric"] = np.nan

    found = [
        compare(with_reasons(runs, reason), "a", "b", "metric", failure_value=0.1).left_out
        for reason in ("out of memory", "diverged: x")
    ]

    assert found == [1, 0]


def test_two_runs_of_one_seed_are_refused_by_name() -> None:
    runs = runs_of({(4, "a", 1): 0.8, (4, "b", 1): 0.7})

    with pytest.raises(InputError, match="found two of configuration 4, arm 'b', seed 1"):
        compare(pd.concat([runs, runs.iloc[1:]]), "a", "b", METRIC)


@pytest.mark.parametrize("seed", range(5))
def test_pairs_and_means_are_those_of_a_merge_and_a_groupby(seed: int) -> None:
    runs = SimulatedStudy(9, 4, collapse=(0.2, 0.2)).draw(np.random.default_rng(seed)).sample(frac=1, random_state=seed)
    ended = runs[runs["status"] == "completed"].rename(columns={"test/accuracy/0": "value"})
    first, second = (ended[ended["arm"] == arm] for arm in ARMS)
    merged = first.merge(second, on=["trial", "seed"], suffixes=("_first", "_second"))
    merged["difference"] = merged["value_first"] - merged["value_second"]
    expected = merged.groupby("trial")["difference"].agg(["mean", "size", "std"])

    found = compare(runs, *ARMS, "test/accuracy/0").configurations.set_index("trial")

    assert found["difference"].to_numpy() == pytest.approx(expected["mean"].to_numpy(), rel=1e-12)
    assert found["seeds"].tolist() == expected["size"].tolist()
    half = stats.t.ppf(0.975, expected["size"] - 1) * expected["std"] / np.sqrt(expected["size"])
    assert ((found["high"] - found["low"]) / 2).to_numpy() == pytest.approx(half.to_numpy(), rel=1e-9, nan_ok=True)
