from collections.abc import Callable

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.sections import SECTIONS
from harness.reporting.tables._base import ReportTable
from harness.reporting.tables.checklist import AUTHOR, checklist_table

StudyDataOf = Callable[..., StudyData]


def checklist_of(data: StudyData) -> ReportTable:
    table = checklist_table(ReportContext(data))
    assert table is not None
    return table


def answers(table: ReportTable) -> dict[str, str]:
    return {question: answer for _, question, answer, _ in table.rows}


def test_answers_come_from_the_data(study_data: StudyDataOf) -> None:
    arms = ("frozen", "unfrozen", "never")

    found = answers(checklist_of(study_data(trials=6, seeds=2, arms=arms, failed=((0, "frozen", 0),))))

    assert found["Are results given with error bars, and is it said of what?"].startswith("Yes: t intervals over 6")
    assert found["Is there a comparison with simple controls?"] == "Yes: never."
    assert (
        "2 seeds a configuration; 1 failed runs"
        in found["Are results repeated with several seeds, and all runs reported?"]
    )
    assert found["Which data are used?"] == "digits"


def test_what_the_study_lacks_is_not_answered_with_yes(study_data: StudyDataOf) -> None:
    data = study_data(trials=2, seeds=1)
    del data.study.spec["sampler"]

    found = answers(checklist_of(data))

    assert found["Are results given with error bars, and is it said of what?"].startswith("No")
    assert found["Is there a comparison with simple controls?"] == "No."
    assert found["Is the way of searching given?"] == "No."


def test_what_no_data_can_answer_is_left_to_the_author(finished_data: StudyData) -> None:
    table = checklist_of(finished_data)

    open_ones = [row for row in table.rows if row[2] == AUTHOR]
    assert table.note.startswith(f"{len(open_ones)} of {len(table.rows)} questions")
    assert all(row[3] == "" for row in open_ones)


def test_answers_point_to_sections_that_exist(finished_data: StudyData) -> None:
    places = {word for row in checklist_of(finished_data).rows for word in row[3].split("; ") if word}

    assert places - {"Verdict"} <= {section.title for section in SECTIONS}
