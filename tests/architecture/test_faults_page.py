"""The page on faults names the tests that show what happens."""

import re
from pathlib import Path

import harness

ROOT = Path(harness.__file__).parents[1]
PAGE = ROOT / "reports" / "docs" / "pages" / "faults.md"


def test_every_test_that_the_page_on_faults_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE.read_text())

    missing = [f"{file}::{name}" for file, name in named if f"def {name}(" not in text_of(ROOT / file)]

    assert missing == []
    assert len(named) > 50


def test_every_row_of_the_page_names_a_test_and_every_fault_of_the_first_list_has_a_row_but_one() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and "fault" not in line[:10]]

    assert [row for row in rows if "`tests/" not in row] == []
    numbers = {int(number) for row in rows for number in re.findall(r"^\| R(\d+) \|", row)}
    assert set(range(1, 33)) - numbers == {15}  # of GPUs, which the page says was not tried


def text_of(file: Path) -> str:
    return file.read_text() if file.is_file() else ""
