from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.reporting.collect import collect
from harness.reporting.compute import at_cost, compute_exhibit, equal_cost_table, seconds_at
from harness.reporting.measures import measure_of
from harness.reporting.pairing import compare
from harness.reporting.study_data import TRUNK_SECONDS, StudyData

MakeHome = Callable[..., Path]
MEASURE = measure_of("test/accuracy/all")
THREE = {"frozen": {}, "unfrozen": {"a": 1}, "never": {"a": 2}}


def test_steps_before_and_after_the_growth_take_different_time() -> None:
    steps = np.array([0.0, 50, 100, 150, 200])

    found = seconds_at(steps, last=200, total=10, growth=100, before=2)

    assert found.tolist() == [0, 1, 2, 6, 10]


@pytest.mark.parametrize(("growth", "before"), [(np.nan, np.nan), (100.0, np.nan), (np.nan, 2.0)])
def test_without_a_growth_or_its_time_all_steps_take_the_same(growth: float, before: float) -> None:
    assert seconds_at(np.array([50.0]), last=200, total=10, growth=growth, before=before).tolist() == [2.5]


def timed(home: Path, seconds: dict[str, float]) -> StudyData:
    """Return the study with seconds by arm, all of them alike."""
    data = collect(home, "freeze-or-not")
    total = data.runs["arm"].map(seconds).astype(float)
    return replace(data, runs=data.runs.assign(**{"cost/seconds": total, TRUNK_SECONDS: total / 2}))


def test_at_equal_seconds_the_dearer_arm_is_seen_on_its_way(make_home: MakeHome) -> None:
    data = timed(make_home(trials=5, seeds=2), {"frozen": 5.0, "unfrozen": 10.0})
    comparison = compare(data.runs, "unfrozen", "frozen", MEASURE.metric)

    table = equal_cost_table(data, comparison, MEASURE)

    assert table is not None
    frame = table.frame.set_index(["trial", "arm"])
    frozen, unfrozen = (frame.xs(arm, level="arm") for arm in ("frozen", "unfrozen"))
    assert (frozen["at_equal_seconds"] == frozen["at_equal_updates"]).all()
    # After half of its seconds it stands just where the growth was, as the frozen arm did there.
    assert (unfrozen["at_equal_seconds"] < unfrozen["at_equal_updates"]).all()
    assert [row[0] for row in table.rows] == ["unfrozen", "frozen", "unfrozen minus frozen"]


def test_updates_alike_are_seen_at_the_end_of_validation(make_home: MakeHome) -> None:
    data = timed(make_home(trials=5, seeds=1), {"frozen": 5.0, "unfrozen": 10.0})

    found = at_cost(data, MEASURE)

    ends = data.runs.set_index(["trial", "arm"])["val/accuracy/all"]
    assert {key: values[-1] for key, (_, _, values) in found.items()} == pytest.approx(ends.to_dict())


def test_every_arm_has_its_line_as_far_as_it_was_trained(make_home: MakeHome) -> None:
    data = timed(make_home(trials=5, seeds=1, arms=THREE), {"frozen": 5.0, "unfrozen": 10.0, "never": 2.5})

    exhibit = compute_exhibit(data, MEASURE)

    assert exhibit is not None
    furthest = exhibit.data.groupby("arm")["seconds"].max()
    assert furthest["never"] <= 2.5 < furthest["frozen"] <= 5 < furthest["unfrozen"] <= 10


def test_only_configurations_that_every_arm_completed_count(make_home: MakeHome) -> None:
    data = collect(make_home(trials=5, seeds=1, failed=((1, "frozen", 0),)), "freeze-or-not")

    assert {trial for trial, _ in at_cost(data, MEASURE)} == {0, 2, 3, 4}


def test_one_arm_alone_is_set_beside_nothing(make_home: MakeHome) -> None:
    missing = tuple((trial, "frozen", 0) for trial in range(5))
    data = collect(make_home(trials=5, seeds=1, missing=missing), "freeze-or-not")

    assert compute_exhibit(data, MEASURE) is None


def test_without_seconds_or_curves_there_is_no_view_at_equal_cost(make_home: MakeHome) -> None:
    data = collect(make_home(trials=5, seeds=1), "freeze-or-not")
    comparison = compare(data.runs, "unfrozen", "frozen", MEASURE.metric)

    for poorer in (
        replace(data, runs=data.runs.drop(columns="cost/seconds")),
        replace(data, curves=data.curves.iloc[:0]),
        replace(data, runs=data.runs.assign(**{"cost/seconds": 0.0})),
    ):
        assert equal_cost_table(poorer, comparison, MEASURE) is None
        assert compute_exhibit(poorer, MEASURE) is None


def test_reports_from_before_the_seconds_to_the_growth_were_known_still_have_the_view(make_home: MakeHome) -> None:
    data = collect(make_home(trials=5, seeds=1), "freeze-or-not")

    assert compute_exhibit(replace(data, runs=data.runs.drop(columns=TRUNK_SECONDS)), MEASURE) is not None
