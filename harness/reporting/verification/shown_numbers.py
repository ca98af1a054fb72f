"""Comparing two reports as people read them: the same words, and numbers as near as their last digit shows."""

import math
import re
from typing import Literal

__all__ = ["compare_shown"]

NUMBER = re.compile(r"[-\N{MINUS SIGN}]?\d[\d,]*(?:\.\d+)?")
AROUND = 30  # signs before a number, to find it by


def compare_shown(found: str, expected: str, tolerance: float) -> tuple[Literal["words", "numbers"], str] | None:
    """Say in what two texts differ first; None if in nothing but last digits.

    Whole numbers count something and have to be the same. Others may differ by one in the last digit that is shown, or
    by `tolerance`, relative beyond one and absolute below.
    """
    if NUMBER.sub("#", found) != NUMBER.sub("#", expected):
        return "words", "has other words than this version of harness writes, so that its numbers cannot be compared"
    for number, other in zip(NUMBER.finditer(found), NUMBER.finditer(expected), strict=True):
        if not _near(number[0], other[0], tolerance):
            before = found[max(number.start() - AROUND, 0) : number.start()].splitlines()[-1:]
            return "numbers", f"found {number[0]} behind {''.join(before)!r}, recomputed {other[0]}"
    return None


def _near(found: str, expected: str, tolerance: float) -> bool:
    decimals = len(found.partition(".")[2])
    if not decimals or decimals != len(expected.partition(".")[2]):
        return found == expected
    step = 1.001 * 10**-decimals  # one in the last digit, whatever binary fractions make of it
    return math.isclose(_value(found), _value(expected), rel_tol=tolerance, abs_tol=max(step, tolerance))


def _value(text: str) -> float:
    return float(text.replace(",", "").replace("\N{MINUS SIGN}", "-"))
