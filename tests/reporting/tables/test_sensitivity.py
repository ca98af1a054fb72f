from collections.abc import Callable

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.tables._base import ReportTable
from harness.reporting.tables.sensitivity import power_sentence, sensitivity_table

StudyDataOf = Callable[..., StudyData]


def made(context: ReportContext) -> ReportTable:
    table = sensitivity_table(context)
    assert table is not None
    return table


def test_the_first_row_is_the_planned_analysis(study_data: StudyDataOf) -> None:
    context = ReportContext(study_data(trials=8, seeds=1))

    table = made(context)

    assert table.head == ("estimate", "difference (percentage points)", "from, to", "p", "configurations")
    assert table.frame["value"][0] == context.comparison.mean.mean
    assert table.rows[0][0] == "mean, t interval at 95 %"
    assert [row[0].partition(",")[0] for row in table.rows] == [
        *("mean", "mean", "Hodges-Lehmann", "interquartile mean", "mean")
    ]
    assert table.rows[1][2] == "\N{EN DASH}"
    assert "four studies of five" in table.note


def test_too_few_configurations_promise_nothing(study_data: StudyDataOf) -> None:
    context = ReportContext(study_data(trials=3, seeds=1))

    table = made(context)

    assert power_sentence(context.comparison, context.measure) == ""
    assert {row[3] for row in table.rows} == {"\N{EN DASH}"}


def test_a_metric_without_unit_has_no_empty_brackets(study_data: StudyDataOf) -> None:
    data = study_data(trials=3, seeds=1)
    data.study.spec["metric"] = "loss/total"

    assert made(ReportContext(data)).head[1] == "difference"
