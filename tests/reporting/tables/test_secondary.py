from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.reporting.analysis.pairing import compare
from harness.reporting.analysis.secondary import secondary_endpoints
from harness.reporting.data.collect import collect
from harness.reporting.tables._base import Table
from harness.reporting.tables.secondary import secondary_tables
from harness.staging.study_spec import StudySpec

MakeHome = Callable[..., Path]


def tables_in(home: Path, *metrics: str) -> tuple[Table, ...]:
    data = collect(home, "freeze-or-not")
    data = replace(data, study=replace(data.study, spec=StudySpec({**data.study.spec, "secondary": list(metrics)})))
    return secondary_tables(data, compare(data.runs, "unfrozen", "frozen", "test/accuracy/all"))


def test_without_secondary_endpoints_there_is_no_table(finished_home: Path) -> None:
    assert tables_in(finished_home) == ()


def test_p_values_bear_the_number_of_endpoints(finished_home: Path) -> None:
    metrics = ("accuracy/late", "forgetting", "accuracy/known")
    runs = collect(finished_home, "freeze-or-not").runs
    expected = secondary_endpoints(runs, "unfrozen", "frozen", [f"test/{metric}" for metric in metrics])

    (table,) = tables_in(finished_home, *metrics)

    assert table.frame["p_adjusted"].tolist() == [endpoint.p_adjusted for endpoint in expected]
    assert (table.frame["p_adjusted"] >= table.frame["p"]).all()
    assert [row[0] for row in table.rows] == [
        "test accuracy on the late classes",
        "test forgetting of the known classes",
        "test accuracy on the known classes",
    ]
    assert {row[-1] for row in table.rows} <= {"yes", "not shown"}


def test_a_very_small_p_is_not_zero(make_home: MakeHome) -> None:
    (table,) = tables_in(make_home(effect=0.2, between=0.0), "accuracy/late")

    assert (table.rows[0][-2], table.rows[0][-1]) == ("< 0.001", "yes")


@pytest.mark.parametrize("metric", ["accuracy/late", "nonsense"])
def test_too_few_configurations_and_unknown_metrics_have_no_interval(make_home: MakeHome, metric: str) -> None:
    (table,) = tables_in(make_home(trials=2, seeds=1), metric)

    assert (table.rows[0][3], table.rows[0][-1]) == ("\N{EN DASH}", "\N{EN DASH}")
