"""The page that sets the studies of freezing side by side: every row of its table follows from their reports."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from harness.api.opening import open_report
from harness.reporting.results.study_results import StudyResults

ROOT = Path(__file__).parents[2]
REPORTS = sorted(ROOT.glob("reports/frozen-or-unfrozen-*"))
SEEN = ("none", "few", "all")
FROZEN = ("trunk", "trunk-and-head", "all-but-last", "thaw", "rates", "unfrozen-third")
METRIC, FLOPS = "test/accuracy/all", "cost/flops"


def rows(report: Path) -> Iterator[str]:
    """Yield the rows of a data set: by how much of the past is seen again, what freezing changes; and what it costs."""
    kind, results = report.name.rpartition("-")[2], open_report(report)
    means = results.runs[results.runs[METRIC].notna()].groupby("arm")[[METRIC, FLOPS]].mean()
    for seen in SEEN:
        cells = [difference(results, f"{seen}:{arm}", f"{seen}:unfrozen") for arm in FROZEN]
        cells.append(difference(results, f"{seen}:unfrozen-third", f"{seen}:trunk"))
        yield row(kind, seen, f"{100 * means[METRIC][f'{seen}:unfrozen']:.1f}", *cells)
    costs = [f"{100 * share(means[FLOPS], arm):.0f} %" for arm in FROZEN]
    yield row(kind, "operations", "100 %", *costs, "")


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def difference(results: StudyResults, arm: str, reference: str) -> str:
    """Return how many points an arm is above another, with its interval; bold where that excludes zero."""
    found = results.difference(arm, reference)
    assert found.interval
    mean, low, high = (f"{100 * value:+.1f}".replace("-", "\N{MINUS SIGN}") for value in (found.mean, *found.interval))
    told = f"{mean} ({low} to {high})"
    return f"**{told}**" if found.interval[0] * found.interval[1] > 0 else told


def share(flops: "pd.Series[float]", arm: str) -> float:
    """Return the operations of an arm after the growth, in units of those of training everything.

    They are the same with all of the past and with nothing of it. A third of the updates leaves out two thirds of them.
    """
    most, third = flops["all:unfrozen"], flops["all:unfrozen-third"]
    after = 1.5 * (most - third)
    return float((flops[f"all:{arm}"] - most + after) / after)


def test_every_row_of_the_table_follows_from_the_reports() -> None:
    page = (ROOT / "reports" / "docs" / "pages" / "frozen-or-unfrozen.md").read_text()

    assert [expected for report in REPORTS for expected in rows(report) if expected not in page] == []
