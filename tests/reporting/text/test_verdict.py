from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from harness.core.seed_layout import SeedLayout, seeds_of
from harness.reporting.analysis.pairing import Comparison, compare
from harness.reporting.data.measures import measure_of
from harness.reporting.text.verdict import Kind, judge

ACCURACY, LOSS, RMSE = "test/accuracy/all", "test/loss/total", "test/rmse/load"


def comparison_of(mean: float, sd: float, units: int, metric: str = ACCURACY, layout: SeedLayout = "own") -> Comparison:
    """Return a comparison whose configurations have exactly this mean and SD of the difference."""
    spread = np.linspace(-1, 1, units) if units > 1 else np.zeros(units)
    spread = spread / spread.std(ddof=1) if units > 1 else spread
    rows = [
        (trial, arm, seed, "completed", 0.8 + (mean + sd * spread[trial]) * (arm == "unfrozen"))
        for trial in range(units)
        for arm in ("frozen", "unfrozen")
        for seed in seeds_of(layout, trial, 2)
    ]
    frame = pd.DataFrame(rows, columns=["trial", "arm", "seed", "status", metric])
    return compare(frame, "unfrozen", "frozen", metric)


BRANCHES: list[tuple[float, float, int, Kind]] = [
    (0.02, 0.005, 12, "meaningfully better"),
    (0.02, 0.025, 12, "better, possibly trivially"),
    (0.0005, 0.003, 12, "practically equivalent"),
    (0.003, 0.02, 12, "inconclusive"),
    (-0.02, 0.025, 12, "worse, possibly trivially"),
    (-0.02, 0.005, 12, "meaningfully worse"),
    (0.02, 0.001, 4, "not enough data"),
    (0.02, 0.0, 1, "not enough data"),
    (0.0, 0.0, 0, "no data"),
    (0.0, 0.0, 6, "practically equivalent"),
]


@pytest.mark.parametrize(("mean", "sd", "units", "kind"), BRANCHES)
def test_the_intervals_decide_the_kind(mean: float, sd: float, units: int, kind: Kind) -> None:
    verdict = judge(comparison_of(mean, sd, units), measure_of(ACCURACY), 0.005)

    assert verdict.kind == kind


def test_a_clear_answer_names_the_arm_its_size_its_interval_and_the_numbers() -> None:
    verdict = judge(comparison_of(-0.02, 0.005, 12), measure_of(ACCURACY), 0.005)

    assert verdict.sentence == (
        "Frozen is meaningfully better than unfrozen: test accuracy over all classes is 2.00 percentage points higher "
        "on average (95 % interval 1.68 to 2.32, all of it beyond the smallest effect that matters, 0.50 percentage "
        "points), over 12 configurations with 2 seeds each."
    )


def test_an_inconclusive_answer_says_so_and_how_much_data_would_settle_it() -> None:
    verdict = judge(comparison_of(0.003, 0.02, 12), measure_of(ACCURACY), 0.005)

    assert verdict.sentence.startswith("Inconclusive: ")
    assert verdict.settles_at is not None
    assert verdict.settles_at > 12
    needed = f"about {verdict.settles_at} configurations, {verdict.settles_at - 12} more than now, would settle it"
    assert needed in verdict.sentence
    assert "\N{MINUS SIGN}0.97 to 1.57" in verdict.sentence


def test_a_small_but_certain_difference_is_equivalent_and_not_better() -> None:
    comparison = comparison_of(0.002, 0.001, 12)

    verdict = judge(comparison, measure_of(ACCURACY), 0.005)

    assert comparison.mean.interval is not None
    assert comparison.mean.interval.excludes_zero
    assert verdict.kind == "practically equivalent"


def test_of_a_loss_less_is_better() -> None:
    verdict = judge(comparison_of(0.2, 0.01, 12, LOSS), measure_of(LOSS), 0.05)

    assert verdict.kind == "meaningfully worse"
    assert verdict.sentence.startswith("Frozen is meaningfully better than unfrozen: test loss/total is 0.2000 lower")


def test_without_a_smallest_effect_nothing_is_called_meaningful() -> None:
    better = judge(comparison_of(0.02, 0.005, 12), measure_of(ACCURACY), 0.0)
    unclear = judge(comparison_of(0.003, 0.02, 12), measure_of(ACCURACY), 0.0)

    assert better.kind == "better"
    assert judge(comparison_of(-0.02, 0.005, 12), measure_of(ACCURACY), 0.0).kind == "worse"
    assert "does not say how small" in better.sentence
    assert (unclear.kind, unclear.settles_at) == ("inconclusive", None)
    assert "cannot be said" in unclear.sentence


def test_few_configurations_get_points_and_no_interval() -> None:
    verdict = judge(comparison_of(0.02, 0.001, 3), measure_of(ACCURACY), 0.005)

    assert "an interval needs 5 configurations" in verdict.sentence
    assert "95 %" not in verdict.sentence


def test_diverged_runs_that_count_are_named_with_their_value() -> None:
    comparison = replace(comparison_of(0.02, 0.005, 12), failure_value=0.1, imputed=2)

    verdict = judge(comparison, measure_of(ACCURACY), 0.005)

    assert verdict.sentence.endswith(
        "over 12 configurations with 2 seeds each, 2 pairs with a diverged run that counts as 10.00 %."
    )


def test_what_no_study_settles_is_said() -> None:
    verdict = judge(comparison_of(0.003, 0.5, 12), measure_of(ACCURACY), 0.0001)

    assert "more than 10,000 configurations would settle it" in verdict.sentence


def test_shared_seeds_are_counted_and_what_would_settle_it_are_others() -> None:
    verdict = judge(comparison_of(0.003, 0.02, 12, layout="crossed"), measure_of(ACCURACY), 0.005)

    assert "over 12 configurations with 2 seeds each, 2 seeds in all." in verdict.sentence
    assert f"about {verdict.settles_at} configurations with seeds of their own would settle it" in verdict.sentence


def test_one_seed_for_all_configurations_leaves_no_verdict() -> None:
    gains = {"frozen": 0.0, "unfrozen": 0.01}
    rows = [(trial, arm, 0, "completed", 0.8 + gain * (9 + trial)) for trial in range(8) for arm, gain in gains.items()]
    frame = pd.DataFrame(rows, columns=["trial", "arm", "seed", "status", ACCURACY])

    verdict = judge(compare(frame, "unfrozen", "frozen", ACCURACY), measure_of(ACCURACY), 0.005)

    assert verdict.kind == "not enough data"
    assert "an interval needs more seeds where configurations share them" in verdict.sentence


@pytest.mark.parametrize(
    ("mean", "sd", "units", "metric", "words"),
    [
        (
            0.02,
            0.0,
            1,
            ACCURACY,
            "So far test accuracy over all classes is 2.00 percentage points higher under unfrozen",
        ),
        (0.0, 0.0, 1, ACCURACY, "So far test accuracy over all classes is equal under unfrozen and frozen."),
        (
            4e-5,
            0.0,
            1,
            ACCURACY,
            "So far test accuracy over all classes is equal, to 2 decimals, under unfrozen and frozen.",
        ),
        (
            -4e-5,
            0.02,
            12,
            ACCURACY,
            "equal, to 2 decimals, under unfrozen and frozen on average, but the 95 % interval",
        ),
        (-4e-5, 0.02, 12, ACCURACY, "includes differences either way, over 12"),
        (0.02, 0.0, 1, RMSE, "error of load is 0.020 higher, which is worse, under unfrozen than under frozen."),
        (-0.003, 0.02, 12, RMSE, "0.003 higher, which is worse, under frozen than under unfrozen on average, but the"),
        (0.0005, 0.003, 12, RMSE, "0.001 higher, which is worse, under unfrozen than under frozen on average, and the"),
    ],
)
def test_no_digit_is_called_higher_that_is_not_shown_and_higher_is_said_to_be_worse_where_it_is(
    mean: float, sd: float, units: int, metric: str, words: str
) -> None:
    verdict = judge(comparison_of(mean, sd, units, metric), measure_of(metric), 0.005)

    assert words in verdict.sentence


def test_failed_runs_that_count_as_nothing_are_said_to_be_left_out() -> None:
    comparison = replace(comparison_of(0.01, 0.002, 8), left_out=9)

    assert judge(comparison, measure_of(ACCURACY), 0.005).sentence.endswith(", 9 failed runs left out.")
