from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.scaffold.column import Column
from harness.scaffold.columns import SeenTable
from harness.scaffold.described import described
from harness.scaffold.task_guess import TaskGuess, guess_task

ROWS = 40


def guess(columns: Mapping[str, Sequence[object]], delimiter: str = ",") -> TaskGuess:
    seen = []
    for name, values in columns.items():
        seen.append(Column(name))
        for row in range(ROWS):
            seen[-1].add(str(values[row % len(values)]), row + 1)
    return guess_task(SeenTable(Path("plants.csv"), delimiter, ".", tuple(seen)))


def test_what_may_be_wrong_stands_above_what_was_taken() -> None:
    taken = guess(
        {
            "patient": [f"P{row // 2}" for row in range(ROWS)],
            "width": [-999, -999, *range(ROWS - 2)],
            "weight": ["", *range(ROWS - 1)],
            "height\nin cm": ["NA", *range(ROWS - 1)],
            "color": ["", *("red", "blue") * 4],
            "bed": ["a"],
            "kind": ["oak", "elm"],
        },
        delimiter=";",
    )

    assert described(taken, ["no examples of ash"]) == [
        "plants.csv: 40 rows; 'kind' (2 classes) is predicted from 4 columns: width, weight, height in cm, color",
        "  check: 'width' is -999 in 2 rows, far from all others; if no value is known there, "
        'write missing=("-999",) and fill={"width": "median"}',
        "  no examples of ash",
        "  written: parts=Parts(group='patient'), or rows of the same one would be in training and in test",
        "  left out: 'patient', since it seems to name what rows belong to; see Parts(group=...)",
        "  left out: 'bed', since it is constant",
        "  filled with the median of the training part: 'weight' (1 empty), 'height\\nin cm' (1 empty)",
        "  filled with the category 'unknown': 'color' (5 empty)",
        "  read with delimiter ';', missing values 'NA'",
        "  If that is not what you mean, change it in the file, or say --label COLUMN.",
    ]


def test_of_hundreds_of_columns_the_first_are_named() -> None:
    many: dict[str, Sequence[object]] = {
        f"gene {number}": [row * number / 999.5 for row in range(ROWS)] for number in range(1, 501)
    }
    constant = {f"dye {number}": ["red"] for number in range(100)}

    lines = described(guess(many | constant | {"kind": [0, 1]}))

    assert lines[0].endswith(
        "500 columns: gene 1, gene 2, gene 3, gene 4, gene 5, gene 6, gene 7, gene 8, and 492 more"
    )
    assert len(lines) == 1 + 8 + 1 + 1
    assert lines[9] == "  left out: and 92 more"
