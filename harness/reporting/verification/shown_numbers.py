"""Comparing two reports as people read them: the same words, and numbers as near as their last digit shows."""

import math
import re
from typing import Literal

__all__ = ["compare_shown"]

NUMBER = re.compile(r"[-\N{MINUS SIGN}]?\d[\d,]*(?:\.\d+)?")
# Versions number their sections otherwise, and ask and check more, so that more or fewer can pass.
COUNTED_OTHERWISE = re.compile(r"^(?:#|<h[1-3]|\d+\. \[)|\d+ passed|checks passed|questions")
SHOWN = 60
AROUND = 30  # signs before a number, to find it by


def compare_shown(found: str, expected: str, tolerance: float) -> tuple[Literal["words", "numbers"], str] | None:
    """Say in what two texts differ first; None if in nothing but last digits.

    Lines of the same words are compared, wherever they stand. Whole numbers count something and have to be the same.
    Others may differ by one in the last digit that is shown, or by `tolerance`, relative beyond one and absolute below.
    """
    ours, theirs = _by_words(found), _by_words(expected)
    for words, lines in ours.items():
        if len(lines) == len(theirs.get(words, ())):
            for line, other in zip(lines, theirs[words], strict=True):
                if what := _other_number(line, other, tolerance):
                    return "numbers", what
    if [*map(_words, found.splitlines())] == [*map(_words, expected.splitlines())]:
        return None
    strange = next(
        (lines[0] for words, lines in ours.items() if words and len(lines) != len(theirs.get(words, ()))), ""
    )
    which = f", such as {strange.strip()[:SHOWN]!r}" if strange else ""
    return "words", f"has other words than this version of harness writes, so that they cannot be compared{which}"


def _by_words(text: str) -> dict[str, list[str]]:
    """Return the lines of a text by their words, each number in them being the same sign."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        found.setdefault(_words(line), []).append(line)
    return found


def _words(line: str) -> str:
    return line if COUNTED_OTHERWISE.search(line) else NUMBER.sub("#", line)


def _other_number(found: str, expected: str, tolerance: float) -> str:
    for number, other in zip(NUMBER.finditer(found), NUMBER.finditer(expected), strict=True):
        if not _near(number[0], other[0], tolerance):
            before = found[max(number.start() - AROUND, 0) : number.start()]
            return f"found {number[0]} behind {before!r}, recomputed {other[0]}"
    return ""


def _near(found: str, expected: str, tolerance: float) -> bool:
    decimals = len(found.partition(".")[2])
    if not decimals or decimals != len(expected.partition(".")[2]):
        return found == expected
    step = 1.001 * 10**-decimals  # one in the last digit, whatever binary fractions make of it
    return math.isclose(_value(found), _value(expected), rel_tol=tolerance, abs_tol=max(step, tolerance))


def _value(text: str) -> float:
    return float(text.replace(",", "").replace("\N{MINUS SIGN}", "-"))
