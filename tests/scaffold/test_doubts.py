from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.scaffold.column import Column
from harness.scaffold.columns import SeenTable
from harness.scaffold.doubts import doubts_about

MEASURED = ["0.5", "1.25", "3"]


def doubts(
    inputs: dict[str, Sequence[str]], label: Sequence[str] = ("x", "y"), delimiter: str = ";", is_classes: bool = True
) -> tuple[str, ...]:
    columns = []
    for name, values in (inputs | {"kind": label}).items():
        columns.append(Column(name))
        for row, value in enumerate(values, start=1):
            columns[-1].add(value, row)
    table = SeenTable(Path("plants.csv"), delimiter, ".", tuple(columns))
    return doubts_about(table, columns[:-1], columns[-1], is_classes)


@pytest.mark.parametrize(
    ("inputs", "label", "said"),
    [
        ({"5.1": MEASURED}, ("x", "y"), "the first line seems to be data (5.1, kind, ...); write the names"),
        (
            {"a": ["2.365", "1.815"]},
            ("x", "y"),
            "2.365 of 'a' is read as a fraction; if it is not one, write thousands",
        ),
        ({"a": MEASURED}, ("Yes", "no", "yes"), "'Yes' and 'yes' of 'kind' are different classes; write them alike"),
        ({"a": MEASURED}, ("1", "1.0", "2"), "'1' and '1.0' of 'kind' are different classes"),
        ({"a": MEASURED}, ("1", "2", "b"), "'kind' has classes that are numbers, and words, such as 'b' in row 3"),
        (
            {"a": ["-999", "-999", *MEASURED]},
            ("x", "y"),
            "'a' is -999 in 2 rows, far from all others; if no value is known there, "
            'write missing=("-999",) and fill={"a": "median"}',
        ),
    ],
)
def test_what_may_be_wrong_is_said(inputs: dict[str, Sequence[str]], label: Sequence[str], said: str) -> None:
    (doubt,) = doubts(inputs, label)

    assert doubt.startswith(said)


@pytest.mark.parametrize(
    ("inputs", "label", "delimiter"),
    [
        ({"a": MEASURED}, ("x", "y"), ";"),
        ({"a": ["2.365", "1.815"]}, ("x", "y"), ","),
        ({"a": ["2.365", "1.815"], "b": MEASURED}, ("x", "y"), ";"),  # a point stands before the fractions of b
        ({"a": MEASURED}, ("1", "2"), ";"),
    ],
)
def test_nothing_is_said_where_nothing_is_in_doubt(
    inputs: dict[str, Sequence[str]], label: Sequence[str], delimiter: str
) -> None:
    assert doubts(inputs, label, delimiter) == ()


def test_a_predicted_number_far_from_all_others_is_a_row_to_remove() -> None:
    (doubt,) = doubts({"a": MEASURED}, ("-999", "-999", *MEASURED), is_classes=False)

    assert doubt == "'kind' is -999 in 2 rows, far from all others; if no value is known there, remove those rows"


def test_numbers_that_are_predicted_are_in_doubt_like_others_and_no_classes() -> None:
    said = doubts({"a": ["1", "2"]}, ("2.365", "815", "815"), ",", is_classes=False)

    assert [line.partition(";")[0] for line in said] == ["2.365 of 'kind' is read as a fraction"]
