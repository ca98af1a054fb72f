"""How numbers and other people's words are written in a report."""

import math
import unicodedata
from collections.abc import Sequence
from typing import Any

__all__ = [
    "NOTHING",
    "count",
    "in_unit",
    "listed",
    "listed_in_part",
    "number",
    "p_value",
    "setting",
    "signed",
    "visible",
]

NOTHING = "\N{EN DASH}"
MOST_LISTED = 12
ALPHA, MOST_DIGITS = 0.05, 9


def number(value: float, decimals: int) -> str:
    """Write `value` with a fixed number of decimals; a dash if there is none.

    >>> number(1234.5, 1), number(-0.001, 2)
    ('1,234.5', '0.00')
    """
    if not math.isfinite(value):
        return NOTHING
    # Adding zero turns a negative zero, which rounding leaves, into a plain one.
    return f"{round(value, decimals) + 0.0:,.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def signed(value: float, decimals: int) -> str:
    """Write a difference: a plus where it is positive.

    >>> signed(0.5, 1), signed(0.0, 1)
    ('+0.5', '0.0')
    """
    plus = "+" if math.isfinite(value) and round(value, decimals) > 0 else ""
    return plus + number(value, decimals)


def count(amount: int, noun: str) -> str:
    """Write an amount with its noun.

    >>> count(1, "seed"), count(1200, "seed")
    ('1 seed', '1,200 seeds')
    """
    return f"{amount:,} {noun}" + ("" if amount == 1 else "s")


def listed(words: Sequence[str]) -> str:
    """Join words as a sentence does.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    >>> listed(["a, b", "c", "d"])
    'a, b; c; and d'
    """
    if any(", " in word for word in words[:-1]):
        return "; ".join([*words[:-1], f"and {words[-1]}"])
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def listed_in_part(words: Sequence[str]) -> str:
    """Join the first twelve words, and say how many more there are, where all of them stand elsewhere.

    >>> listed_in_part([str(number) for number in range(14)])
    '0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2 more'
    """
    left = len(words) - MOST_LISTED
    return listed([*words[:MOST_LISTED], f"{left} more"] if left > 0 else words)


def p_value(value: float) -> str:
    """Write a p value, with the digits that show on which side of 5 % it lies; of a very small one size says nothing.

    >>> p_value(0.0312), p_value(1e-9), p_value(0.0497), p_value(0.05)
    ('0.031', '< 0.001', '0.0497', '0.050')
    """
    digits = (digits for digits in range(3, MOST_DIGITS) if round(value, digits) != ALPHA or value == ALPHA)
    return "< 0.001" if value < 0.001 else number(value, next(digits, MOST_DIGITS))


def setting(value: Any) -> str:
    """Write a field's value briefly; a leaf is its kind followed by what it was given.

    >>> setting(0.30000000000000004), setting(True), setting({"kind": "at_step", "step": 200})
    ('0.3', 'yes', 'at_step 200')
    >>> setting({"kind": "plateau", "patience": 3, "series": None}), setting([])
    ('plateau patience 3, series none', 'none')
    """
    if isinstance(value, list | tuple | dict) and not value:
        return "none"
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, float):
        return f"{value:.3g}" if math.isfinite(value) else NOTHING
    if isinstance(value, dict):
        given = {key: setting(item) for key, item in value.items() if key != "kind"}
        words = list(given.values()) if len(given) == 1 else [f"{key} {item}" for key, item in given.items()]
        return " ".join([*([str(value["kind"])] if "kind" in value else []), ", ".join(words)]).strip()
    if isinstance(value, list | tuple):
        return ", ".join(setting(item) for item in value)
    return str(value)


def visible(text: str) -> str:
    """Replace control and bidirectional marks, which could make a text read as another one.

    >>> visible("a" + chr(0x202E) + "b")
    'a<U+202E>b'
    """
    shown = (
        f"<U+{ord(sign):04X}>" if unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else sign
        for sign in " ".join(text.splitlines())
    )
    return "".join(shown)


def in_unit(unit: str) -> str:
    """Return the end of a label or a column's head: the unit, if there is one, in brackets."""
    return f" ({unit})" if unit else ""
