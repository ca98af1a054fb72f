from collections.abc import Callable

import pytest

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.importance import permutation
from harness.reporting.tables._base import ReportTable
from harness.reporting.tables.drivers import drivers_table

StudyDataOf = Callable[..., StudyData]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permutation, "RESAMPLES", 2)
    monkeypatch.setattr(permutation, "SHUFFLES", 20)


def made(data: StudyData) -> ReportTable:
    table = drivers_table(ReportContext(data))
    assert table is not None
    return table


def test_every_field_has_a_row_for_the_difference_and_for_the_metric(study_data: StudyDataOf) -> None:
    table = made(study_data(trials=12, seeds=1))

    assert {row[0] for row in table.rows} == {"unfrozen minus frozen", "all, both arms"}
    for what in {row[0] for row in table.rows}:
        fields = {row[1] for row in table.rows if row[0] == what}
        assert fields == {"when", "where", "width", "init", "loss weight"}
    assert len(table.frame) == 2 * len(table.rows)
    assert set(table.frame["method"]) == {"fANOVA", "PED-ANOVA"}


def test_the_note_says_how_many_are_the_best_and_where_chance_ends(study_data: StudyDataOf) -> None:
    table = made(study_data(trials=12, seeds=1))

    assert "best 42 % of configurations" in table.note
    assert "for the difference and" in table.note
    assert table.frame.groupby(["target", "method"])["null"].nunique().eq(1).all()
    assert (table.frame["above_null"] == (table.frame["size"] > table.frame["null"])).all()


def test_few_configurations_have_no_table(finished_data: StudyData) -> None:
    assert drivers_table(ReportContext(finished_data)) is None
