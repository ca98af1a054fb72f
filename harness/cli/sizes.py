"""Sizes and durations as people say and type them."""

import re

from harness.core.errors import InputError

__all__ = ["bytes_in_words", "parse_bytes", "seconds_in_words"]

UNITS = ("B", "kB", "MB", "GB", "TB")


def bytes_in_words(count: float) -> str:
    """Return a size with three digits at most.

    >>> bytes_in_words(1234567)
    '1.2 MB'
    """
    power = 0
    while count >= 1000 and power < len(UNITS) - 1:
        count, power = count / 1000, power + 1
    digits = 1 if power and count < 10 else 0
    return f"{count:.{digits}f} {UNITS[power]}"


def seconds_in_words(seconds: float) -> str:
    """Return a duration in the unit that fits it.

    >>> seconds_in_words(150)
    '2.5 min'
    """
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"


def parse_bytes(text: str) -> int:
    """Return the size that `text` says, such as `500M`, `20 GB` or `1e9`.

    Raises:
        InputError: it says none.

    >>> parse_bytes("1.5G")
    1500000000
    """
    found = re.fullmatch(r"\s*([0-9.]+(?:e[0-9]+)?)\s*([kMGT]?)B?\s*", text, re.IGNORECASE)
    try:
        number = float(found[1]) if found else float("nan")
    except ValueError:
        number = float("nan")
    if not found or not 0 <= number < 1e18:
        raise InputError(f"expected a size like 500M or 20GB, found {text!r:.80}")
    return int(number * 1000 ** " KMGT".index(found[2].upper() or " "))
