from collections.abc import Callable
from pathlib import Path

import pytest

from harness.reporting.analysis.pairing import compare
from harness.reporting.data.collect import collect
from harness.reporting.data.measures import measure_of
from harness.reporting.importance import permutation
from harness.reporting.importance.drivers import drivers
from harness.reporting.tables._base import Table
from harness.reporting.tables.drivers import drivers_tables

METRIC = "test/accuracy/all"
MakeHome = Callable[..., Path]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permutation, "RESAMPLES", 2)
    monkeypatch.setattr(permutation, "SHUFFLES", 20)


def tables_in(home: Path) -> tuple[Table, ...]:
    data = collect(home, "freeze-or-not")
    comparison, measure = compare(data.runs, "unfrozen", "frozen", METRIC), measure_of(METRIC)
    return drivers_tables(drivers(data, comparison, measure), comparison, measure)


def test_every_field_has_a_row_for_the_difference_and_for_the_metric(make_home: MakeHome) -> None:
    (table,) = tables_in(make_home(trials=12, seeds=1))

    assert {row[0] for row in table.rows} == {"unfrozen minus frozen", "all, both arms"}
    for what in {row[0] for row in table.rows}:
        fields = {row[1] for row in table.rows if row[0] == what}
        assert fields == {"when", "where", "width", "init", "loss weight"}
    assert len(table.frame) == 2 * len(table.rows)
    assert set(table.frame["method"]) == {"fANOVA", "PED-ANOVA"}


def test_the_note_says_how_many_are_the_best_and_where_chance_ends(make_home: MakeHome) -> None:
    (table,) = tables_in(make_home(trials=12, seeds=1))

    assert "best 42 % of configurations" in table.note
    assert "for the difference and" in table.note
    assert table.frame.groupby(["target", "method"])["null"].nunique().eq(1).all()
    assert (table.frame["above_null"] == (table.frame["size"] > table.frame["null"])).all()


def test_few_configurations_have_no_table(finished_home: Path) -> None:
    assert tables_in(finished_home) == ()
