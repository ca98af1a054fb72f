"""What each arm changes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.reporting.context import ReportContext
from harness.reporting.data.wording import setting
from harness.reporting.tables._base import ReportTable, table_of_words

__all__ = ["arms_table"]

MOST_SIGNS = 80  # of a value


def arms_table(context: ReportContext) -> ReportTable | None:
    """Say what each arm changes."""
    changed = {arm: context.data.study.spec.arms[arm] for arm in context.data.arms}
    whole, short = ([(arm, _written(changes, most)) for arm, changes in changed.items()] for most in (None, MOST_SIGNS))
    note = "Long values are cut; study.json has them whole." if short != whole else ""
    table = table_of_words("arms", "Arms", ("arm", "what it changes in the base run"), whole, note=note)
    return replace(table, rows=tuple(short))


def _written(changes: Mapping[str, Any], most: int | None) -> str:
    """Write what an arm changes, each value in at most so many signs."""
    written = ((path, setting(value)) for path, value in changes.items())
    parts = [f"{path} = {value if most is None else _cut(value, most)}" for path, value in written]
    return "; ".join(parts) or "nothing: the base run as it is"


def _cut(text: str, most: int) -> str:
    """Return at most so many signs of `text`, whole words of it."""
    words = text[:most].rpartition(" ")[0] or text[: most - 1]
    return text if len(text) <= most else f"{words.rstrip(' ,')}\N{HORIZONTAL ELLIPSIS}"
