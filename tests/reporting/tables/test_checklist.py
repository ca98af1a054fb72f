from collections.abc import Callable
from pathlib import Path

from harness.reporting.analysis.pairing import account_for, compare
from harness.reporting.data.collect import collect
from harness.reporting.sections import PLAN
from harness.reporting.tables._base import Table
from harness.reporting.tables.checklist import AUTHOR, checklist_table

MakeHome = Callable[..., Path]


def checklist_of(home: Path) -> Table:
    data = collect(home, "freeze-or-not")
    comparison = compare(data.runs, "unfrozen", "frozen", "test/accuracy/all")
    return checklist_table(data, comparison, account_for(data, comparison))


def answers(table: Table) -> dict[str, str]:
    return {question: answer for _, question, answer, _ in table.rows}


def test_answers_come_from_the_data(make_home: MakeHome) -> None:
    arms = {"frozen": {}, "unfrozen": {"a": 1}, "never": {"a": 2}}

    found = answers(checklist_of(make_home(trials=6, seeds=2, arms=arms, failed=((0, "frozen", 0),))))

    assert found["Are results given with error bars, and is it said of what?"].startswith("Yes: t intervals over 6")
    assert found["Is there a comparison with simple controls?"] == "Yes: never."
    assert (
        "2 seeds a configuration; 1 failed runs"
        in found["Are results repeated with several seeds, and all runs reported?"]
    )
    assert found["Which data are used?"] == "digits"


def test_what_the_study_lacks_is_not_answered_with_yes(make_home: MakeHome) -> None:
    found = answers(checklist_of(make_home(trials=2, seeds=1)))

    assert found["Are results given with error bars, and is it said of what?"].startswith("No")
    assert found["Is there a comparison with simple controls?"] == "No."
    assert found["Is the way of searching given?"] == "No."


def test_what_no_data_can_answer_is_left_to_the_author(finished_home: Path) -> None:
    table = checklist_of(finished_home)

    open_ones = [row for row in table.rows if row[2] == AUTHOR]
    assert table.note.startswith(f"{len(open_ones)} of {len(table.rows)} questions")
    assert all(row[3] == "" for row in open_ones)


def test_answers_point_to_sections_that_exist(finished_home: Path) -> None:
    places = {word for row in checklist_of(finished_home).rows for word in row[3].split("; ") if word}

    assert places - {"Verdict"} <= {str(number) for number in range(1, len(PLAN) + 1)}
