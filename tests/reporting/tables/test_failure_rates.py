from collections.abc import Callable
from pathlib import Path

from harness.reporting.analysis.pairing import compare
from harness.reporting.data.collect import collect
from harness.reporting.tables._base import Table
from harness.reporting.tables.failure_rates import collapse_tables

METRIC = "test/accuracy/all"
MakeHome = Callable[..., Path]


def tables_in(home: Path, guess: float | None) -> tuple[Table, ...]:
    data = collect(home, "freeze-or-not")
    return collapse_tables(data, compare(data.runs, "unfrozen", "frozen", METRIC, failure_value=guess))


def test_runs_that_came_to_nothing_are_counted_by_arm(make_home: MakeHome) -> None:
    home = make_home(trials=5, seeds=2, failed=((0, "frozen", 0), (0, "frozen", 1), (3, "unfrozen", 0)))

    (table,) = tables_in(home, 0.1)

    assert [row[:4] for row in table.rows] == [("unfrozen", "10", "1", "10.0"), ("frozen", "10", "2", "20.0")]
    assert table.frame["high"].tolist() == sorted(table.frame["high"])
    assert "In 1 pair only the run under unfrozen did so, in 2 only that under frozen" in table.note


def test_without_a_collapse_or_a_guess_there_is_no_table(finished_home: Path) -> None:
    assert tables_in(finished_home, 0.1) == ()
    assert tables_in(finished_home, None) == ()
