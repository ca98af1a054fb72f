"""What each arm changes."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from harness.reporting.context import ReportContext
from harness.reporting.data.described import described
from harness.reporting.data.wording import setting
from harness.reporting.tables._base import ReportTable, table_of_words

__all__ = ["arms_table"]

MOST_SIGNS = 240  # of a value
SEVERAL = 5  # fields of the same value that differ in a place, such as that of a growth: the page names them together
PLACE = re.compile(r"\.(\d+)\.")


def arms_table(context: ReportContext) -> ReportTable | None:
    """Say what each arm changes."""
    changed = {arm: context.data.study.spec.arms[arm] for arm in context.data.arms}
    whole = [(arm, _joined(_whole(changes))) for arm, changes in changed.items()]
    short = tuple((arm, _joined(_shown(changes))) for arm, changes in changed.items())
    is_cut = any("\N{HORIZONTAL ELLIPSIS}" in text for _, text in short)
    note = "Long values are cut; study.json has them whole." if is_cut else ""
    table = table_of_words("arms", "Arms", ("arm", "what it changes in the base run"), whole, note=note)
    return replace(table, rows=short)


def _whole(changes: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(path, setting(value)) for path, value in changes.items()]


def _shown(changes: Mapping[str, Any]) -> list[tuple[str, str]]:
    written = {path: described(value) for path, value in changes.items()}
    return [(paths, _cut(value, MOST_SIGNS)) for paths, value in _together(written)]


def _joined(fields: Iterable[tuple[str, str]]) -> str:
    return "; ".join(f"{path} = {value}" for path, value in fields) or "nothing: the base run as it is"


def _together(written: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return fields and their values, several that differ in a place alone as one, such as `growths.0-8.freeze`."""
    places: dict[tuple[str, str], list[str]] = {}
    for path, value in written.items():
        places.setdefault(_apart(path, value), []).extend(PLACE.findall(path)[:1])
    found = dict[str, str]()
    for path, value in written.items():
        own = places[_apart(path, value)]
        together = len(own) >= SEVERAL
        found[PLACE.sub(f".{own[0]}-{own[-1]}.", path, count=1) if together else path] = value
    return list(found.items())


def _apart(path: str, value: str) -> tuple[str, str]:
    """Return what fields have in common that differ in a place alone."""
    return PLACE.sub(".*.", path, count=1), value


def _cut(text: str, most: int) -> str:
    """Return at most so many signs of `text`, whole words of it."""
    words = text[:most].rpartition(" ")[0] or text[: most - 1]
    return text if len(text) <= most else f"{words.rstrip(' ,')}\N{HORIZONTAL ELLIPSIS}"
