from collections.abc import Iterable

import pytest

from harness.scaffold.column import Column
from harness.scaffold.left_out import may_be_thousands, names_groups, reason_to_leave_out


def of(values: Iterable[object], name: str = "width") -> Column:
    column = Column(name)
    for row, value in enumerate(values, start=1):
        column.add(str(value), row)
    return column


@pytest.mark.parametrize("name", ["id", "patient_id", "Patient ID", "patientId", "subjectID", "Patient", "case-id"])
@pytest.mark.parametrize("values", [["P1", "P1", "P2"], [1001, 1001, 1002]])
def test_a_name_of_things_that_repeats_names_groups(name: str, values: list[object]) -> None:
    assert names_groups(of(values, name))
    assert "Parts(group=" in reason_to_leave_out(of(values, name), ",", settled=False)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("patient_id", ["P1", "P2"]),  # none repeats
        ("patient_id", [0.5, 0.5]),
        ("acid", [1, 1]),
        ("humid", ["a", "a"]),
        ("patients", [1, 1]),
    ],
)
def test_what_is_measured_names_no_groups(name: str, values: list[object]) -> None:
    assert not names_groups(of(values, name))


@pytest.mark.parametrize(
    ("values", "delimiter", "settled", "left"),
    [
        ("815 2.365", ";", False, True),
        ("815 2.365", ",", False, False),  # fields between commas: a point stands before fractions
        ("815 2.365", ";", True, False),
        ("1.815 2.365", ";", False, False),
    ],
)
def test_numbers_that_are_read_in_two_ways_are_no_input(values: str, delimiter: str, settled: bool, left: bool) -> None:
    column = of(values.split())

    assert bool(may_be_thousands(column, delimiter)) is (left or (settled and delimiter != ","))
    assert bool(reason_to_leave_out(column, delimiter, settled)) is left


def test_few_texts_that_nearly_are_numbers_are_categories_and_many_are_not() -> None:
    few, many = of(f"{row % 3}0%" for row in range(60)), of(f"{row % 30}%" for row in range(60))

    assert reason_to_leave_out(few, ",", settled=False) == ""
    assert reason_to_leave_out(many, ",", settled=False) == "60 of 60 fields are not numbers, such as '0%' in row 1"
