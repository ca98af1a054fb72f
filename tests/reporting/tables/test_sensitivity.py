from collections.abc import Callable
from pathlib import Path

from harness.reporting.analysis.pairing import Comparison, compare
from harness.reporting.data.collect import collect
from harness.reporting.data.measures import measure_of
from harness.reporting.data.study_data import StudyData
from harness.reporting.tables.sensitivity import power_sentence, sensitivity_table

METRIC = "test/accuracy/all"
MakeHome = Callable[..., Path]


def compared(home: Path) -> tuple[StudyData, Comparison]:
    data = collect(home, "freeze-or-not")
    return data, compare(data.runs, "unfrozen", "frozen", METRIC, failure_value=0.1)


def test_the_first_row_is_the_planned_analysis(make_home: MakeHome) -> None:
    data, comparison = compared(make_home(trials=8, seeds=1))

    table = sensitivity_table(data, comparison, measure_of(METRIC))

    assert table.head == ("estimate", "difference (percentage points)", "from, to", "p", "configurations")
    assert table.frame["value"][0] == comparison.mean.mean
    assert table.rows[0][0] == "mean, t interval at 95 %"
    assert [row[0].partition(",")[0] for row in table.rows] == [
        *("mean", "mean", "Hodges-Lehmann", "interquartile mean", "mean")
    ]
    assert table.rows[1][2] == "\N{EN DASH}"
    assert "four studies of five" in table.note


def test_too_few_configurations_promise_nothing(make_home: MakeHome) -> None:
    data, comparison = compared(make_home(trials=3, seeds=1))

    table = sensitivity_table(data, comparison, measure_of(METRIC))

    assert power_sentence(comparison, measure_of(METRIC)) == ""
    assert {row[3] for row in table.rows} == {"\N{EN DASH}"}


def test_a_metric_without_unit_has_no_empty_brackets(make_home: MakeHome) -> None:
    data, comparison = compared(make_home(trials=3, seeds=1))

    assert sensitivity_table(data, comparison, measure_of("test/loss/total")).head[1] == "difference"
