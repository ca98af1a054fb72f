"""The exhibit of which searched fields the difference depends on."""

from collections.abc import Sequence

import pandas as pd

from harness.reporting.data.wording import count, listed, number
from harness.reporting.figures._base import Exhibit, rendered
from harness.reporting.figures.importance import ImportanceData, draw_importance
from harness.reporting.importance.drivers import Driver

__all__ = ["importance_exhibit"]


def importance_exhibit(driving: Sequence[Driver]) -> Exhibit | None:
    """Show how much of what varies in the paired difference each searched field accounts for."""
    found = next((driver.variance for driver in driving if driver.target == "difference"), None)
    if found is None:
        return None
    rows = pd.DataFrame(
        [{"name": field.name, "share": field.size, "low": field.low, "high": field.high} for field in found.fields]
    )
    drawn = ImportanceData(rows, found.null)
    named = f"Above it: {listed(found.named)}." if found.named else "No field stands above it."
    shares = [f"{row['name']} {number(100 * row['share'], 0)} %" for row in rows.to_dict("records")]
    return Exhibit(
        name="importance",
        title="What the difference depends on",
        caption=(
            f"For each searched field, its main effect's share of what varies in the paired difference between "
            f"{count(found.configurations, 'configuration')} (functional ANOVA of a random forest). Black lines are "
            f"the middle 95 % when configurations are drawn again. Dotted: what the most important field reaches in at "
            f"most 5 % of cases where none matters, by shuffling. {named} Hatched: below it. What is missing to 100 % "
            f"is interplay and noise. A description, not a test."
        ),
        alt=f"Shares: {listed(shares)}; noise would reach {number(100 * found.null, 0)} %.",
        **rendered(lambda: draw_importance(drawn)),
        data=rows.assign(null=found.null),
    )
