from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.reporting.analysis.secondary import secondary_endpoints
from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.tables._base import ReportTable
from harness.reporting.tables.secondary import secondary_table
from harness.staging.study_spec import StudySpec

StudyDataOf = Callable[..., StudyData]


def made(data: StudyData, *metrics: str) -> ReportTable:
    data = replace(data, study=replace(data.study, spec=StudySpec({**data.study.spec, "secondary": list(metrics)})))
    table = secondary_table(ReportContext(data))
    assert table is not None
    return table


def test_without_secondary_endpoints_there_is_no_table(finished_data: StudyData) -> None:
    assert secondary_table(ReportContext(finished_data)) is None


def test_p_values_bear_the_number_of_endpoints(finished_data: StudyData) -> None:
    metrics = ("accuracy/late", "forgetting", "accuracy/known")
    expected = secondary_endpoints(finished_data.runs, "unfrozen", "frozen", [f"test/{metric}" for metric in metrics])

    table = made(finished_data, *metrics)

    assert table.frame["p_adjusted"].tolist() == [endpoint.p_adjusted for endpoint in expected]
    assert (table.frame["p_adjusted"] >= table.frame["p"]).all()
    assert [row[0] for row in table.rows] == [
        "test accuracy on the late classes",
        "test forgetting of the known classes",
        "test accuracy on the known classes",
    ]
    assert {row[-1] for row in table.rows} <= {"yes", "not shown"}


def test_a_very_small_p_is_not_zero(study_data: StudyDataOf) -> None:
    table = made(study_data(effect=0.2, between=0.0), "accuracy/late")

    assert (table.rows[0][-2], table.rows[0][-1]) == ("< 0.001", "yes")


@pytest.mark.parametrize("metric", ["accuracy/late", "nonsense"])
def test_too_few_configurations_and_unknown_metrics_have_no_interval(study_data: StudyDataOf, metric: str) -> None:
    table = made(study_data(trials=2, seeds=1), metric)

    assert (table.rows[0][3], table.rows[0][-1]) == ("\N{EN DASH}", "\N{EN DASH}")
