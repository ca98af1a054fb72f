from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.reporting.analysis.pairing import Comparison, compare
from harness.reporting.data.collect import collect
from harness.reporting.data.measures import measure_of
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures.controls import complete_means, controls_table, every_arm_exhibit

MakeHome = Callable[..., Path]
METRIC = "test/accuracy/all"
THREE = {"frozen": {}, "unfrozen": {"a": 1}, "never": {"a": 2}}


def read(home: Path) -> tuple[StudyData, Comparison]:
    data = collect(home, "freeze-or-not")
    return data, compare(data.runs, "unfrozen", "frozen", METRIC)


def test_both_compared_arms_are_set_against_each_of_the_others(make_home: MakeHome) -> None:
    data, comparison = read(make_home(trials=6, seeds=1, arms=THREE))

    table = controls_table(data, comparison, measure_of(METRIC))

    assert table is not None
    assert [row[0] for row in table.rows] == ["unfrozen minus never", "frozen minus never"]
    direct = compare(data.runs, "unfrozen", "never", METRIC).mean
    assert direct.interval is not None
    assert tuple(table.frame.loc[0, ["difference", "low"]]) == (direct.mean, direct.interval.low)


def test_differences_to_a_control_add_up_to_the_primary_one(make_home: MakeHome) -> None:
    data, comparison = read(make_home(trials=6, seeds=2, arms=THREE))

    table = controls_table(data, comparison, measure_of(METRIC))

    assert table is not None
    first, second = table.frame["difference"]
    assert first - second == pytest.approx(comparison.mean.mean)


def test_with_two_arms_there_is_nothing_beside_them(make_home: MakeHome) -> None:
    data, comparison = read(make_home(trials=5, seeds=1))

    assert controls_table(data, comparison, measure_of(METRIC)) is None
    assert every_arm_exhibit(data, measure_of(METRIC)) is None


def test_a_control_that_never_completed_is_left_out(make_home: MakeHome) -> None:
    failed = tuple((trial, "never", 0) for trial in range(5))
    data, comparison = read(make_home(trials=5, seeds=1, arms=THREE, failed=failed, reason="killed"))

    assert controls_table(data, comparison, measure_of(METRIC)) is None
    assert every_arm_exhibit(data, measure_of(METRIC)) is None


@pytest.mark.parametrize("trials", [1, 2])
def test_few_configurations_have_no_interval(make_home: MakeHome, trials: int) -> None:
    data, comparison = read(make_home(trials=trials, seeds=1, arms=THREE))

    table, exhibit = controls_table(data, comparison, measure_of(METRIC)), every_arm_exhibit(data, measure_of(METRIC))

    assert table is not None
    assert exhibit is not None
    assert table.rows[0][2] == "\N{EN DASH}"
    assert np.isnan(exhibit.data["low"]).all()


def test_arms_stand_side_by_side_over_the_configurations_that_all_completed(make_home: MakeHome) -> None:
    data, _ = read(make_home(trials=5, seeds=1, arms=THREE, failed=((2, "never", 0),)))

    exhibit = every_arm_exhibit(data, measure_of(METRIC))

    assert exhibit is not None
    assert "4 configurations" in exhibit.caption
    assert set(complete_means(data, [METRIC])["trial"]) == {0, 1, 3, 4}
