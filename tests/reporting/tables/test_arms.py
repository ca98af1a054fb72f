from collections.abc import Callable

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.tables.arms import arms_table
from harness.reporting.tables.runs_by_arm import runs_by_arm_table

StudyDataOf = Callable[..., StudyData]


def test_a_third_arm_is_listed_and_not_compared(study_data: StudyDataOf) -> None:
    context = ReportContext(study_data(trials=5, seeds=1, arms=("frozen", "unfrozen", "partly")))

    arms, runs = arms_table(context), runs_by_arm_table(context)

    assert arms is not None
    assert runs is not None
    assert [row[0] for row in arms.rows] == ["unfrozen", "frozen", "partly"]
    assert runs.rows[2][-1] == "0"


def test_long_values_are_cut_in_the_table_and_whole_in_its_file(study_data: StudyDataOf) -> None:
    data = study_data(trials=1, seeds=1)
    data.study.spec["arms"]["frozen"] = {"task": {"kind": "digits", "note": "x" * 600}}

    table = arms_table(ReportContext(data))

    assert table is not None
    cells = [row[1] for row in table.rows if row[0] == "frozen"]
    assert len(cells[0]) < 300
    assert cells[0].endswith("\N{HORIZONTAL ELLIPSIS}")
    assert any("x" * 600 in cell for cell in table.frame.iloc[:, 1])
    assert table.note.startswith("Long values are cut")


def test_what_many_growths_change_alike_is_named_together_on_the_page(study_data: StudyDataOf) -> None:
    data = study_data(trials=1, seeds=1)
    data.study.spec["arms"]["frozen"] = {f"growths.{place}.reset": True for place in range(6)} | {"steps": 9}

    table = arms_table(ReportContext(data))

    assert table is not None
    assert [row[1] for row in table.rows if row[0] == "frozen"] == ["growths.0-5.reset = yes; steps = 9"]
    assert any("growths.3.reset = yes" in cell for cell in table.frame.iloc[:, 1])
