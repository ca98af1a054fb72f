"""How numbers are written in tables, and what stands where one is missing."""

import math
import re

__all__ = ["has_separated_thousands", "how_to_tell", "how_to_write", "is_missing", "is_nearly_number", "written_number"]

MISSING = {"", "-", "--", ".", "?", "#n/a", "n/a", "na", "nan", "none", "null"}
SEPARATED = {
    ".": re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?"),
    ",": re.compile(r"[-+]?[1-9]\d{0,2}(\.\d{3})+(,\d+)?"),
}
LETTER = re.compile("[A-Za-z]")
MARKS = str.maketrans(
    "\N{MINUS SIGN}\N{EN DASH}", "--", "%$€£¥<>≤≥=~≈±()_' \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}"
)


def written_number(text: str, decimal: str = ".") -> float | None:
    """Return the finite number that `text` is, with `decimal` before fractions; none if it is no such number."""
    if "_" in text or not text.isascii() or (decimal != "." and "." in text):
        return None
    try:
        number = float(text.replace(decimal, "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def is_missing(text: str) -> bool:
    """Return whether `text` is what tables have where a number is missing, such as `NA`."""
    return text.lower() in MISSING


def has_separated_thousands(text: str, decimal: str = ".") -> bool:
    """Return whether `text` is a number such as 1,234, or 1.234 where a comma stands before fractions."""
    return SEPARATED[decimal].fullmatch(text) is not None


def is_nearly_number(text: str) -> bool:
    """Return whether a number stands in `text` with no more than signs around it, such as 12%, $5.20 and <0.1."""
    if LETTER.search(text):
        return False
    bare = text.translate(MARKS)
    return any(written_number(bare, mark) is not None or has_separated_thousands(bare, mark) for mark in SEPARATED)


def how_to_tell(decimal: str = ".") -> str:
    """Say how numbers are written whose `decimal` cannot be taken for one that separates thousands."""
    return f"write thousands without {'points' if decimal == '.' else 'commas'}, or every number with a fraction"


def how_to_write(decimal: str = ".") -> str:
    """Say how numbers are written that can be read."""
    point, comma = ("a point", "commas") if decimal == "." else ("a comma", "points")
    return f"write thousands without {comma}, and fractions with {point}"
