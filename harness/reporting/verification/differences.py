"""What differs between a file of a report and the same file computed anew, said so that one can look there."""

import csv
import io
import json
import math
from collections.abc import Sequence
from typing import Any

from harness.core.spec import flatten
from harness.reporting.data.wording import visible
from harness.reporting.verification.shown_numbers import compare_shown

__all__ = ["difference", "has_numbers"]

WORDS = ("tables/checklist.csv", "tables/glossary.csv")
KEYS = ("trial", "arm", "seed")
SHOWN = 60


def has_numbers(path: str) -> bool:
    """Whether a file can be compared number by number; versions differ in what they ask and explain."""
    return path.endswith((".csv", ".json")) and path not in WORDS


def difference(path: str, found: bytes, expected: bytes, tolerance: float = 0.0) -> str | None:
    """Say where `found` first differs from `expected`; None if it does not, or by no number more than `tolerance`.

    A tolerance is relative for numbers beyond one and absolute for those below, and means nothing to pictures and
    documents, which differ by any byte. With one, sentences may have other words, but not other numbers in the same.
    """
    if found == expected:
        return None
    try:
        return _by_kind(path, found.decode(), expected.decode(), tolerance)
    except (ValueError, RecursionError, csv.Error):  # no text, no JSON, no table
        return "is not the one that follows from the data"


def _by_kind(path: str, found: str, expected: str, tolerance: float) -> str | None:
    if path.endswith(".csv"):
        return _of_tables(_table(found), _table(expected), tolerance)
    if path.endswith(".json"):
        return _of_json(json.loads(found), json.loads(expected), tolerance)
    if path.endswith(".svg"):
        return "is not the one that follows from the data"
    return _of_lines(found.splitlines(), expected.splitlines())


def _table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def _of_tables(found: list[list[str]], expected: list[list[str]], tolerance: float) -> str | None:
    heads = [rows[0] if rows else [] for rows in (found, expected)]
    if heads[0] != heads[1]:
        return f"has the columns {_short(heads[0])}, recomputed {_short(heads[1])}"
    if len(found) != len(expected):
        return _of_lengths(heads[1], found, expected)
    for place, (row, other) in enumerate(zip(found[1:], expected[1:], strict=True), start=1):
        if len(row) != len(other):
            return f"row {place}: found {len(row)} cells, recomputed {len(other)}"
        for column, value, right in zip(heads[1], row, other, strict=False):
            if not _close(value, right, tolerance):
                where = f"row {place}{_named(heads[1], other)}, column {_short(column)}"
                return f"{where}: found {_short(value)}, recomputed {_short(right)}"
    return None if tolerance else "holds the same values in other bytes"


def _of_lengths(head: Sequence[str], found: list[list[str]], expected: list[list[str]]) -> str:
    longer, shorter = (found, expected) if len(found) > len(expected) else (expected, found)
    place = next(place for place, row in enumerate(longer) if place >= len(shorter) or row != shorter[place])
    what = "does not follow from the data" if longer is found else "is missing"
    return f"has {len(found) - 1} rows, recomputed {len(expected) - 1}: row {place}{_named(head, longer[place])} {what}"


def _named(head: Sequence[str], row: Sequence[str]) -> str:
    cells = dict(zip(head, row, strict=False))
    known = [f"{key} {_short(cells[key])}" for key in KEYS if key in cells] or [_short(cell) for cell in row[:2]]
    return f" ({', '.join(known)})"


def _of_json(found: Any, expected: Any, tolerance: float) -> str | None:
    ours, theirs = flatten(found), flatten(expected)
    for name in sorted({*ours, *theirs}):
        left, right = ours.get(name, "nothing"), theirs.get(name, "nothing")
        if left != right and not _close(left, right, tolerance):
            return f"{_short(name)}: found {_short(left)}, recomputed {_short(right)}"
    return None if tolerance else "holds the same values in other bytes"


def _close(value: Any, right: Any, tolerance: float) -> bool:
    if value == right:
        return True
    if isinstance(value, list) and isinstance(right, list):
        return len(value) == len(right) and all(_close(*pair, tolerance) for pair in zip(value, right, strict=True))
    try:
        left, other = float(value), float(right)
    except (TypeError, ValueError, OverflowError):
        return bool(tolerance) and _says_otherwise(value, right, tolerance)
    return bool(tolerance) and math.isclose(left, other, rel_tol=tolerance, abs_tol=tolerance)


def _says_otherwise(value: Any, right: Any, tolerance: float) -> bool:
    """Return whether two sentences have other words, or the same words with numbers that are near each other.

    A tolerance is for reports of other versions, which have sentences of their own.
    """
    if not (isinstance(value, str) and isinstance(right, str) and " " in value and " " in right):
        return False
    apart = compare_shown(value, right, tolerance)
    return apart is None or apart[0] == "words"


def _of_lines(found: Sequence[str], expected: Sequence[str]) -> str:
    pairs = zip(found, expected, strict=False)
    place = next((place for place, (one, other) in enumerate(pairs) if one != other), min(len(found), len(expected)))
    lines = [lines[place] if place < len(lines) else "nothing" for lines in (found, expected)]
    at = next((at for at, (a, b) in enumerate(zip(*lines, strict=False)) if a != b), min(map(len, lines)))
    cut = [_short(line[max(at - 20, 0) :]) for line in lines]
    return f"line {place + 1}: found {cut[0]}, recomputed {cut[1]}"


def _short(value: Any) -> str:
    text = visible(str(value))
    return repr(text if len(text) <= SHOWN else text[: SHOWN - 1] + "\N{HORIZONTAL ELLIPSIS}")
