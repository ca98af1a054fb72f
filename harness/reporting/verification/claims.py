"""What a report claims at its head, against what follows from its data, whichever version of harness wrote it."""

import re
from collections.abc import Iterator

__all__ = ["false_claim"]

VERDICT = re.compile(r"^> \*\*(.*)\*\*", re.MULTILINE)
DIFFERENCE = re.compile(r"^- (\S+): .+ minus .+$", re.MULTILINE)
SIGNS = "+-\N{MINUS SIGN}"


def false_claim(found: str, expected: str) -> str:
    """Say where the text of a report claims another mean difference than the `expected` text; empty if nowhere.

    Versions differ in words and intervals; the mean over configurations is the same in all.
    """
    mean = DIFFERENCE.search(expected)
    if not mean:
        return ""
    value = mean[1].lstrip(SIGNS)
    for claim in _claims(found) or ["nothing"]:
        if value not in re.findall(r"\d[\d,]*(?:\.\d+)?", claim):
            return f"claims {claim:.100}; the mean difference that follows from the data is {mean[1]}"
    return ""


def _claims(text: str) -> list[str]:
    """Return the verdict's sentence, and the difference among the numbers below it."""
    return [*_first(VERDICT, text), *_first(DIFFERENCE, text)]


def _first(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    if match := pattern.search(text):
        yield match[1]
