from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from harness.reporting.analysis.pairing import completed_pairs
from harness.reporting.data.alignment import (
    aligned,
    arm_means,
    evaluation_interval,
    paired_difference,
    some_lines,
    without_repeats,
)
from harness.reporting.data.growth_axis import on_growth_axis
from harness.reporting.data.study_data import StudyData
from harness.reporting.statistics import simultaneous_band

NAME = "val/accuracy/all"


def points_of(values: dict[tuple[int, str], list[float]]) -> pd.DataFrame:
    rows = [
        (trial, arm, True, 25.0 * place, value)
        for (trial, arm), series in values.items()
        for place, value in enumerate(series)
    ]
    return pd.DataFrame(rows, columns=["trial", "arm", "grown", "offset", "value"])


def test_before_the_growth_both_arms_are_the_same(finished_data: StudyData) -> None:
    data = finished_data
    pairs = completed_pairs(data.runs, "unfrozen", "frozen", "test/accuracy/all")
    curves = on_growth_axis(data.curves, pairs, ("unfrozen", "frozen"))

    difference = paired_difference(aligned(curves, NAME, evaluation_interval(curves)), "unfrozen", "frozen")

    before = difference[~difference["grown"]]
    assert len(before) > 3
    assert (before[["value", "low", "high"]] == 0).all(axis=None)
    assert (difference.loc[difference["grown"], "value"] != 0).all()


def test_the_usual_interval_between_evaluations_is_found(finished_data: StudyData) -> None:
    assert evaluation_interval(finished_data.curves) == 25


def test_a_run_measured_in_between_is_interpolated_and_never_extrapolated() -> None:
    rows = [("r", 0, "a", 0, NAME, True, since, float(since)) for since in (0, 15, 40, 65)]
    columns = ["run_id", "trial", "arm", "seed", "name", "grown", "steps_since_growth", "value"]

    points = aligned(pd.DataFrame(rows, columns=columns), NAME, 25)

    assert points["offset"].tolist() == [0, 25, 50]
    assert points["value"].tolist() == pytest.approx([0, 25, 50])


def test_a_point_needs_all_seeds_of_its_configuration() -> None:
    rows = [("r", 0, "a", seed, NAME, True, 25 * k, 1.0) for seed in (0, 1) for k in range(3 + seed)]
    columns = ["run_id", "trial", "arm", "seed", "name", "grown", "steps_since_growth", "value"]

    points = aligned(pd.DataFrame(rows, columns=columns), NAME, 25)

    assert points["offset"].tolist() == [0, 25, 50]


def test_means_end_where_the_first_configuration_ends() -> None:
    points = points_of({(0, "a"): [1, 2, 3], (1, "a"): [3, 4]})

    assert arm_means(points)["value"].tolist() == [2, 3]


def test_the_pointwise_interval_is_a_t_interval_over_configurations() -> None:
    stream = np.random.default_rng(0)
    values = {(trial, arm): stream.normal(size=2).tolist() for trial, arm in product(range(6), "ab")}

    difference = paired_difference(points_of(values), "a", "b")

    differences = [values[trial, "a"][1] - values[trial, "b"][1] for trial in range(6)]
    expected = stats.ttest_1samp(differences, 0).confidence_interval()
    alone = difference[["point_low", "point_high"]].to_numpy()[1].tolist()
    assert alone == pytest.approx([expected.low, expected.high])


def test_the_band_of_the_curve_is_the_simultaneous_one_over_configurations() -> None:
    stream = np.random.default_rng(0)
    values = {(trial, arm): stream.normal(size=10).tolist() for trial, arm in product(range(8), "ab")}
    curves = np.array([np.subtract(values[trial, "a"], values[trial, "b"]) for trial in range(8)])
    band = simultaneous_band(curves)

    difference = paired_difference(points_of(values), "a", "b")

    assert band is not None
    assert difference["value"].tolist() == pytest.approx(curves.mean(axis=0))
    assert difference["low"].tolist() == pytest.approx(band.low)
    assert difference["high"].tolist() == pytest.approx(band.high)
    assert (difference["low"] < difference["point_low"]).all()
    assert (difference["point_high"] < difference["high"]).all()


def test_points_that_a_configuration_lacks_are_not_there() -> None:
    values = {(trial, arm): [0.1 * trial] * (3 if trial else 2) for trial, arm in product(range(6), "ab")}

    difference = paired_difference(points_of(values), "a", "b")

    assert difference["offset"].tolist() == [0, 25]
    assert difference["units"].tolist() == [6, 6]


def test_arms_that_share_no_point_have_no_difference() -> None:
    assert len(paired_difference(points_of({(0, "a"): [1.0], (1, "b"): [1.0]}), "a", "b")) == 0
    assert len(paired_difference(points_of({}), "a", "b")) == 0


@pytest.mark.parametrize("units", [1, 4])
def test_few_configurations_have_a_curve_and_no_interval(units: int) -> None:
    values = {(trial, arm): [1.0 + trial * (arm == "a")] for trial, arm in product(range(units), "ab")}

    difference = paired_difference(points_of(values), "a", "b")

    assert difference["value"].notna().all()
    assert difference["low"].isna().all()


def test_of_very_many_configurations_some_are_shown_evenly() -> None:
    points = pd.DataFrame({"trial": np.repeat(range(200), 3), "value": 0.0})

    shown = some_lines(points)["trial"].unique()

    assert (len(shown), shown[0], shown[-1]) == (12, 0, 199)
    assert max(np.diff(shown)) - min(np.diff(shown)) <= 1
    assert some_lines(points[points["trial"] < 12])["trial"].nunique() == 12


def test_curves_with_very_many_points_are_shown_at_fewer() -> None:
    steps = np.arange(10_000)
    curves = pd.DataFrame(
        {
            "trial": 0,
            "arm": "a",
            "seed": 0,
            "name": "val/accuracy/all",
            "step": steps,
            "steps_since_growth": steps - 500.0,
        }
    )

    interval = evaluation_interval(curves)

    assert 10_000 / 300 <= interval < 40


def test_evaluations_close_together_do_not_pass_for_the_usual_ones() -> None:
    steps = np.concatenate([np.arange(0, 400, 25), np.arange(400, 450), np.arange(450, 1200, 25)])
    curves = pd.DataFrame(
        {"trial": 0, "arm": "a", "seed": 0, "name": NAME, "step": steps, "steps_since_growth": steps - 400.0}
    )

    assert evaluation_interval(curves) == 25


def test_an_arm_with_fewer_configurations_keeps_its_mean() -> None:
    points = points_of({(0, "a"): [1, 2], (1, "a"): [3, 4], (0, "control"): [7, 8]})

    means = arm_means(points)

    assert means.groupby("arm")[["value", "units"]].apply(lambda part: part.to_numpy().tolist()).to_dict() == {
        "a": [[2, 2], [3, 2]],
        "control": [[7, 1], [8, 1]],
    }


def test_a_series_that_repeats_another_is_left_out() -> None:
    curves = pd.DataFrame({"name": ["all", "all", "known", "known", "late", "late"], "value": [1.0, 2, 1, 2, 1, 3]})

    assert without_repeats(curves, ["all", "known", "late"]) == ["all", "late"]
