from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.tables.stability import stability_table


def test_the_table_has_a_row_for_every_arm_in_order(finished_data: StudyData) -> None:
    context = ReportContext(finished_data)
    steps = context.curves["steps_since_growth"]
    chosen = context.curves[(context.curves["name"] == "val/accuracy/known") & steps.isin([-25, 0, 25])]
    fallen = chosen.assign(value=0.5 - 0.1 * chosen["grown"])
    vars(context)["curves"] = fallen  # in place of those that would be computed

    table = stability_table(context)

    assert table is not None
    assert [row[0] for row in table.rows] == ["unfrozen", "frozen"]
    assert table.rows[0][1:4] == ("\N{MINUS SIGN}10.00", "250", "0 of 12")
    assert table.rows[0][5] == "\N{MINUS SIGN}10.00"


@pytest.mark.parametrize("kept", ["val/loss", "val/accuracy/late"])
def test_without_a_head_of_their_own_the_known_classes_have_no_table(finished_data: StudyData, kept: str) -> None:
    curves = finished_data.curves[finished_data.curves["name"].str.startswith(kept)]

    assert stability_table(ReportContext(replace(finished_data, curves=curves))) is None


def test_an_arm_that_never_grew_has_forgotten_nothing_at_a_growth(study_data: Callable[..., StudyData]) -> None:
    data = study_data(trials=3, seeds=1, arms=("frozen", "unfrozen", "never"), never=("never",))

    table = stability_table(ReportContext(data))

    assert table is not None
    (never,) = (row[1:] for row in table.rows if row[0] == "never")
    assert set(never) == {"\N{EN DASH}"}
