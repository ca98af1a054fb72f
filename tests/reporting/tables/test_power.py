from collections.abc import Callable
from pathlib import Path

import pytest

from harness.reporting.analysis.sample_size import plan_study
from harness.reporting.data.collect import collect
from harness.reporting.tables.power import power_tables

MakeHome = Callable[..., Path]


def test_the_numbers_are_those_that_planning_gives(finished_home: Path) -> None:
    data = collect(finished_home, "freeze-or-not")

    (table,) = power_tables(data)

    plan = plan_study(data)
    assert table.frame["seeds"].tolist() == [option.seeds for option in plan.options]
    assert table.frame["cautious"].tolist() == [option.cautious for option in plan.options]
    assert table.rows[0][2] == f"{plan.options[0].cautious:,}"
    assert "0.50 percentage points" in table.note


def test_more_than_anybody_would_run_is_said_so(make_home: MakeHome) -> None:
    (table,) = power_tables(collect(make_home(smallest_effect=1e-5), "freeze-or-not"))

    assert table.rows[0][1] == "> 10,000"
    assert table.frame["configurations"].isna().all()


@pytest.mark.parametrize("size", [{"trials": 2}, {"smallest_effect": 0.0}])
def test_without_an_effect_or_a_pilot_there_is_no_table(make_home: MakeHome, size: dict[str, float]) -> None:
    assert power_tables(collect(make_home(**size), "freeze-or-not")) == ()
