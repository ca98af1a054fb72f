from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.reporting.collect import collect
from harness.reporting.pairing import account_for, compare

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
    data = collect(home, "freeze-or-not")

    account = account_for(data, compare(data.runs, "unfrozen", "frozen", METRIC))

    assert [(arm.arm, arm.completed, arm.failed, arm.unfinished) for arm in account.arms] == [
        ("unfrozen", 9, 0, 1),
        ("frozen", 8, 1, 1),
    ]
    assert (account.pairs_planned, account.pairs_compared) == (10, 8)
    assert (account.forks_checked, account.forks_shared) == (8, 8)
    assert account.reasons == (("DivergedError: total is nan at step 225", 1),)
