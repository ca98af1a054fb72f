from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.core.errors import DataError
from harness.scaffold.column import Column
from harness.scaffold.columns import SeenTable
from harness.scaffold.task_guess import TaskGuess, guess_task

ROWS = 30


def table(**columns: Sequence[object]) -> SeenTable:
    made = []
    for name, values in columns.items():
        column = Column(name)
        for row, value in enumerate(values, start=1):
            column.add(str(value), row)
        made.append(column)
    return SeenTable(Path("plants.csv"), ",", ".", tuple(made))


def of(*values: object) -> list[object]:
    """Repeat values through the rows."""
    return [values[row % len(values)] for row in range(ROWS)]


NUMBERS = [row / 7 for row in range(ROWS)]


@pytest.mark.parametrize(
    ("columns", "label", "classes"),
    [
        ({"x": NUMBERS, "kind": of("oak", "elm")}, "kind", ("elm", "oak")),  # the last column
        ({"Class": of(1, 10, 2), "x": NUMBERS}, "Class", ("1", "2", "10")),  # the column that says so
        ({"x": NUMBERS, "grams": NUMBERS}, "grams", ()),
        ({"x": NUMBERS, "kind": of("oak", "elm"), "plant": range(1000, 1000 + ROWS)}, "kind", ("elm", "oak")),
        ({"x": NUMBERS, "kind": of("oak", "elm"), "bed_id": of(1, 2, 3)}, "kind", ("elm", "oak")),
        (
            {"x": NUMBERS, "count": [row * row for row in range(ROWS)]},
            "count",
            (),
        ),  # too many whole numbers for classes
    ],
)
def test_what_is_predicted_is_guessed(columns: dict[str, Sequence[object]], label: str, classes: tuple[str]) -> None:
    guess = guess_task(table(**columns))

    assert (guess.label, guess.classes, guess.inputs) == (label, classes, ("x",))


def test_the_column_that_is_named_is_predicted() -> None:
    guess = guess_task(table(x=NUMBERS, kind=of("oak", "elm"), label=of(0, 1)), "kind")

    assert (guess.label, guess.inputs, guess.is_numbered) == ("kind", ("x", "label"), False)


def test_texts_are_categories_and_each_is_an_input_of_the_network() -> None:
    guess = guess_task(table(color=of("red", "blue", "green"), x=NUMBERS, y=of(0, 1)))

    assert (guess.categorical, guess.width, guess.is_numbered) == (("color",), 4, True)


def test_a_column_of_numbers_in_which_few_fields_are_empty_is_filled() -> None:
    guess = guess_task(table(x=NUMBERS, width=of("", 1.5, 2.5, 3.5, 4.5), y=of(0, 1)))

    assert (guess.inputs, dict(guess.filled), guess.width) == (("x", "width"), {"width": 6}, 2)


def test_texts_that_are_missing_values_count_as_empty() -> None:
    values = {"x": of("?", *NUMBERS[1:]), "z": of("NA", *NUMBERS[1:]), "color": of("red", "NA"), "y": of(0, 1)}
    guess = guess_task(table(**values))

    assert (guess.missing, dict(guess.filled), guess.categorical) == (("?", "NA"), {"x": 1, "z": 1}, ("color",))


def test_a_category_in_which_few_fields_are_empty_has_one_more_for_those() -> None:
    colors = of("red", "blue", "", "red", "NA", "blue", "red")
    alone = guess_task(table(x=NUMBERS, color=colors, y=of(0, 1)))
    marked = guess_task(table(x=of("NA", *NUMBERS[1:]), color=colors, y=of(0, 1)))  # NA is empty there, and so here

    assert (dict(alone.fills), alone.width) == ({"color": "unknown"}, 1 + 4)
    assert (dict(marked.fills), marked.width) == ({"x": "median", "color": "unknown"}, 1 + 3)


@pytest.mark.parametrize(
    ("columns", "group"),
    [
        ({"patient": [f"P{row // 3}" for row in range(ROWS)]}, "patient"),
        (
            {"patient_id": [row // 3 for row in range(ROWS)], "visit_id": [row // 2 for row in range(ROWS)]},
            "patient_id",
        ),
        ({"patient": [f"P{row // 6}" for row in range(ROWS)]}, ""),  # too few to be divided
        ({"patient": ["", *(f"P{row // 3}" for row in range(1, ROWS))]}, ""),
        ({"patient": list(range(ROWS))}, ""),
    ],
)
def test_what_rows_belong_to_is_no_input_and_divides_them(columns: dict[str, list[object]], group: str) -> None:
    guess = guess_task(table(**columns, x=NUMBERS, y=of(0, 1)))

    assert (guess.group, guess.inputs, guess.without_group().group) == (group, ("x",), "")
    assert guess.left_out.keys() == columns.keys()


def test_a_column_without_name_is_not_predicted() -> None:
    assert guess_task(table(**{"x": of(*NUMBERS), "kind": of("oak", "elm"), "": of("a", "b")})).label == "kind"


def left_out(values: Sequence[object], name: str = "other") -> str:
    guess: TaskGuess = guess_task(table(**{name: values, "x": NUMBERS, "y": of(0, 1)}))
    return guess.left_out.get(name, "an input")


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("other", of("", 1.5), "15 of 30 fields are empty"),
        ("other", of("", "oak", "elm", ""), "15 of 30 fields are empty"),
        ("other", ["abc", *NUMBERS[1:]], "1 of 30 fields is not a number, such as 'abc' in row 1"),
        ("other", ["low", *range(ROWS - 1)], "1 of 30 fields is not a number"),
        ("other", of(*(f"{n}%" for n in range(25))), "30 of 30 fields are not numbers, such as '0%' in row 1"),
        ("other", of(3), "it is constant"),
        ("other", [f"plant {row}" for row in range(ROWS)], "it is different in every row"),
        ("plant_id", range(ROWS), "it is different in every row"),
        ("other", of(*(f"text {number}" for number in range(25))), "it has 25 different texts, such as 'text 0'"),
        ("other", of("NA", 1.5), "15 of 30 fields are empty or 'NA'"),
        (
            "other",
            of(*(f"{n},000" for n in range(1, 26))),
            "it has numbers such as '1,000'; write thousands without",
        ),
        ("", NUMBERS, "it has no name"),
        ("other", range(ROWS), "it is different in every row"),
        ("other", [row * row for row in range(ROWS)], "an input"),  # a whole number may well be a measurement
        ("other", NUMBERS, "an input"),
    ],
)
def test_columns_that_cannot_be_inputs_are_left_out_with_the_reason(
    name: str, values: Sequence[object], reason: str
) -> None:
    assert left_out(values, name).startswith(reason)


@pytest.mark.parametrize(
    ("columns", "label", "said"),
    [
        ({"x": NUMBERS, "kind": of("oak", "elm")}, "kinds", "no column 'kinds' in plants.csv. Did you mean 'kind'"),
        (
            {"x": NUMBERS, "y": of(0, "")},
            None,
            "a value in every row in column 'y' of plants.csv, found 15 of 30 empty; remove",
        ),
        (
            {"x": NUMBERS, "y": of(0, "NA")},
            None,
            "in every row in column 'y' of plants.csv, found 15 of 30 empty or 'NA'",
        ),
        ({"x": NUMBERS, "y": of(1)}, None, "expected different values in column 'y' of plants.csv, found '1' alone"),
        ({"x": NUMBERS, "y": [f"t{n}" for n in range(ROWS)]}, None, "found 30 different texts in 30 rows"),
        ({"x": NUMBERS, "y": ["low", *NUMBERS[1:]]}, None, "expected numbers in column 'y' .*'low' in row 1; correct"),
        ({"x": NUMBERS, "y": [1e200, *NUMBERS[1:]]}, None, "expected numbers below 1e150 in column 'y' .*found 1e.200"),
        ({"x": [1, 2, 3, 4], "y": [1, 2, 3, 5]}, None, "expected at least 5 rows in column 'y' of plants.csv, found 4"),
        ({"x": [1, 2, 3], "y": [1, "1.0", "1e0"]}, None, "expected different values in column 'y' .*, found 1 alone"),
        ({"x": of(1), "y": of(0, 1)}, None, "expected a column that can be an input.*'x': it is constant"),
    ],
)
def test_what_cannot_be_learned_is_refused(columns: dict[str, Sequence[object]], label: str | None, said: str) -> None:
    with pytest.raises(DataError, match=said):
        guess_task(table(**columns), label)
