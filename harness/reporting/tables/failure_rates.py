"""How often runs came to nothing, by arm."""

import numpy as np
import pandas as pd

from harness.reporting.analysis.failure_rates import collapses
from harness.reporting.context import ReportContext
from harness.reporting.data.wording import count, number
from harness.reporting.statistics import Rate
from harness.reporting.tables._base import ReportTable, table_of_numbers

__all__ = ["failure_rates_table"]


def failure_rates_table(context: ReportContext) -> ReportTable | None:
    """Return the table, or none where nothing is known that is as good as a guess, or no run collapsed."""
    data, comparison = context.data, context.comparison
    guess = comparison.failure_value
    if guess is None:
        return None
    found = collapses(data.runs, comparison.first, comparison.second, comparison.metric, guess)
    rates = {comparison.first: found.first, comparison.second: found.second}
    if not any(rate.events for rate in rates.values()):
        return None
    records = [{"arm": arm, "collapsed": rate.events, "runs": rate.total} | _ends(rate) for arm, rate in rates.items()]
    rows = [
        {
            "arm": arm,
            "runs that ended": str(rate.total),
            "collapsed": str(rate.events),
            "share (%)": number(100 * rate.share, 1),
            "95 % interval (%)": " to ".join(number(100 * end, 1) for end in _ends(rate).values()),
        }
        for arm, rate in rates.items()
    ]
    note = (
        f"Collapsed: diverged, or ended no better than a guess. In {count(found.only_first, 'pair')} only the run "
        f"under {comparison.first} did so, in {found.only_second} only that under {comparison.second}; "
        f"p = {number(found.p, 3)} (McNemar, exact)."
    )
    return table_of_numbers("collapses", "Runs that came to nothing", rows, pd.DataFrame(records), note=note)


def _ends(rate: Rate) -> dict[str, float]:
    """Return the ends of a rate's interval; NaN of no runs."""
    return {end: getattr(rate.interval, end) if rate.interval else np.nan for end in ("low", "high")}
