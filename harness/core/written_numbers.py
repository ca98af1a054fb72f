"""How numbers are written in tables, and what stands where one is missing."""

import math
import re

__all__ = ["has_separated_thousands", "how_to_write", "is_missing", "written_number"]

MISSING = {"", "-", "--", ".", "?", "#n/a", "n/a", "na", "nan", "none", "null"}
SEPARATED = {
    ".": re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?"),
    ",": re.compile(r"[-+]?[1-9]\d{0,2}(\.\d{3})+(,\d+)?"),
}


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


def how_to_write(decimal: str = ".") -> str:
    """Say how numbers are written that can be read."""
    point, comma = ("a point", "commas") if decimal == "." else ("a comma", "points")
    return f"write thousands without {comma}, and fractions with {point}"
