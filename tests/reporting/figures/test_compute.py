from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from harness.reporting.analysis.equal_cost import at_costs
from harness.reporting.analysis.pairing import compare
from harness.reporting.data.collect import collect
from harness.reporting.data.measures import measure_of
from harness.reporting.data.study_data import TRUNK_FLOPS, TRUNK_SECONDS, StudyData
from harness.reporting.figures.compute import compute_exhibit, equal_cost_table, operations_exhibit

MakeHome = Callable[..., Path]
MEASURE = measure_of("test/accuracy/all")
THREE = {"frozen": {}, "unfrozen": {"a": 1}, "never": {"a": 2}}


def timed(home: Path, seconds: dict[str, float]) -> StudyData:
    """Return the study with seconds by arm, all of them alike."""
    data = collect(home, "freeze-or-not")
    total = data.runs["arm"].map(seconds).astype(float)
    return replace(data, runs=data.runs.assign(**{"cost/seconds": total, TRUNK_SECONDS: total / 2}))


def test_at_equal_seconds_the_dearer_arm_is_seen_on_its_way(make_home: MakeHome) -> None:
    data = timed(make_home(trials=5, seeds=2), {"frozen": 5.0, "unfrozen": 10.0})
    comparison = compare(data.runs, "unfrozen", "frozen", MEASURE.metric)

    table = equal_cost_table(data, comparison, MEASURE, at_costs(data, MEASURE))

    assert table is not None
    frame = table.frame.set_index(["trial", "arm"])
    frozen, unfrozen = (frame.xs(arm, level="arm") for arm in ("frozen", "unfrozen"))
    assert (frozen["at_equal_seconds"] == frozen["at_equal_updates"]).all()
    # After half of its seconds it stands just where the growth was, as the frozen arm did there.
    assert (unfrozen["at_equal_seconds"] < unfrozen["at_equal_updates"]).all()
    assert [row[0] for row in table.rows] == ["unfrozen", "frozen", "unfrozen minus frozen"]


def test_every_arm_has_its_line_as_far_as_it_was_trained(make_home: MakeHome) -> None:
    data = timed(make_home(trials=5, seeds=1, arms=THREE), {"frozen": 5.0, "unfrozen": 10.0, "never": 2.5})

    exhibit = compute_exhibit(data, MEASURE, at_costs(data, MEASURE))

    assert exhibit is not None
    furthest = exhibit.data.groupby("arm")["seconds"].max()
    assert furthest["never"] <= 2.5 < furthest["frozen"] <= 5 < furthest["unfrozen"] <= 10


def test_one_arm_alone_is_set_beside_nothing(make_home: MakeHome) -> None:
    missing = tuple((trial, "frozen", 0) for trial in range(5))
    data = collect(make_home(trials=5, seeds=1, missing=missing), "freeze-or-not")

    assert compute_exhibit(data, MEASURE, at_costs(data, MEASURE)) is None


def test_without_seconds_or_curves_there_is_no_view_at_equal_cost(make_home: MakeHome) -> None:
    data = collect(make_home(trials=5, seeds=1), "freeze-or-not")
    comparison = compare(data.runs, "unfrozen", "frozen", MEASURE.metric)

    for poorer in (
        replace(data, runs=data.runs.drop(columns="cost/seconds")),
        replace(data, curves=data.curves.iloc[:0]),
        replace(data, runs=data.runs.assign(**{"cost/seconds": 0.0})),
    ):
        assert equal_cost_table(poorer, comparison, MEASURE, at_costs(poorer, MEASURE)) is None
        assert compute_exhibit(poorer, MEASURE, at_costs(poorer, MEASURE)) is None


def test_reports_from_before_the_seconds_to_the_growth_were_known_still_have_the_view(make_home: MakeHome) -> None:
    data = collect(make_home(trials=5, seeds=1), "freeze-or-not")

    older = replace(data, runs=data.runs.drop(columns=TRUNK_SECONDS))

    assert compute_exhibit(older, MEASURE, at_costs(older, MEASURE)) is not None


def counted(data: StudyData, flops: dict[str, float]) -> StudyData:
    """Return the study with operations by arm, all before the growth as many as after it."""
    total = data.runs["arm"].map(flops).astype(float)
    return replace(data, runs=data.runs.assign(**{"cost/flops": total, TRUNK_FLOPS: total / 2}))


def test_where_operations_were_counted_arms_stand_at_equal_operations_too(make_home: MakeHome) -> None:
    data = timed(make_home(trials=5, seeds=1), {"frozen": 5.0, "unfrozen": 10.0})
    data = counted(data, {"frozen": 4e9, "unfrozen": 6e9})
    comparison = compare(data.runs, "unfrozen", "frozen", MEASURE.metric)

    table = equal_cost_table(data, comparison, MEASURE, at_costs(data, MEASURE))
    exhibit = operations_exhibit(data, MEASURE, at_costs(data, MEASURE))

    assert table is not None
    assert exhibit is not None
    assert table.title == "At equal updates, and at equal seconds or operations"
    row = dict(zip(table.head, table.rows[0], strict=True))
    assert (row["its seconds in all"], row["its operations in all (GFLOP)"]) == ("10.0", "6.00")
    assert "(GFLOP)" not in str(table.note)
    frame = table.frame.set_index(["trial", "arm"]).xs("unfrozen", level="arm")
    # It costs half as much again in operations, but twice as much in seconds.
    assert (frame["at_equal_seconds"] < frame["at_equal_flops"]).all()
    assert (frame["at_equal_flops"] < frame["at_equal_updates"]).all()
    assert exhibit.name == "equal_operations"
    assert exhibit.data["flops"].max() <= 6  # in units of 10^9
    assert "frozen 4.00 GFLOP" in exhibit.alt


def test_where_operations_were_not_counted_that_is_said(make_home: MakeHome) -> None:
    data = collect(make_home(trials=5, seeds=1), "freeze-or-not")
    comparison = compare(data.runs, "unfrozen", "frozen", MEASURE.metric)

    table = equal_cost_table(data, comparison, MEASURE, at_costs(data, MEASURE))

    assert table is not None
    assert "Operations of whole networks are not recorded" in str(table.note)
    assert operations_exhibit(data, MEASURE, at_costs(data, MEASURE)) is None
