"""The badges with their evidence."""

from collections import Counter

from harness.reporting.context import ReportContext
from harness.reporting.tables._base import ReportTable, table_of_words

__all__ = ["integrity_table"]


def integrity_table(context: ReportContext) -> ReportTable | None:
    """List the badges with their evidence."""
    badges = context.badges
    found = Counter(badge.status for badge in badges)
    note = (
        f"{found['PASS']} passed, {found['FAIL']} failed, {found['NOT CHECKED']} not checked. All are computed from "
        "the data beside this report, and again by harness verify. Which runs were reproduced, the author recorded."
    )
    rows = [(badge.name, badge.status, badge.evidence) for badge in badges]
    return table_of_words("integrity", "Integrity", ("what", "found", "evidence"), rows, note=note)
