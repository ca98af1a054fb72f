"""What a report claims at its head, against what follows from its data, whichever version of harness wrote it."""

import html
import re
from collections.abc import Iterator

__all__ = ["false_claim", "false_verdict"]

VERDICT = re.compile(r"^> \*\*(.*)\*\*|<p class=\"answer\">(.*?)</p>", re.MULTILINE)
KIND = re.compile(r"^## Verdict: (.*)$", re.MULTILINE)
JUDGMENT = re.compile(
    r"^(?:.+ is (?:meaningfully )?(?:better|worse) than [^:]+|.+ are practically equivalent"
    r"|Inconclusive|Not enough data|No data|Nothing to compare)"
)
DIFFERENCE = re.compile(r"^- (\S+): .+ minus .+$", re.MULTILINE)
SIGNS = "+-\N{MINUS SIGN}"


def false_verdict(found: str, expected: str) -> str:
    """Say where a page names another verdict than the `expected` page, or other arms in it; empty if nowhere.

    A sentence that names none in the words of today says nothing.
    """
    for pattern in (KIND, VERDICT):
        for claim, truth in zip(_first(pattern, found), _first(pattern, expected), strict=False):
            ours, theirs = (claim, truth) if pattern is KIND else map(_judgment, (claim, truth))
            if ours and theirs and ours.lower() != theirs.lower():
                return f"claims {ours:.100}; the verdict that follows from the data is {theirs:.100}"
    return ""


def _judgment(sentence: str) -> str:
    match = JUDGMENT.match(sentence)
    return match[0] if match else ""


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
        yield html.unescape(next(filter(None, match.groups()), ""))
