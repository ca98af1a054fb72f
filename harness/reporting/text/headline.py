"""The few numbers of a report to see at a glance."""

from harness.reporting.analysis.pairing import Account, Comparison
from harness.reporting.analysis.sampling_error import SamplingError
from harness.reporting.analysis.sensitivity import detectable
from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import StudyData

__all__ = ["headline"]


def headline(
    data: StudyData,
    comparison: Comparison,
    account: Account,
    measure: Measure,
    test_set: SamplingError | None = None,
) -> list[tuple[str, str]]:
    """Return numbers as they are written, each with what it is; `test_set` is what another test set would change."""
    mean, unit = comparison.mean, f", {measure.unit}" if measure.unit else ""
    completed = sum(arm.completed for arm in account.arms)
    numbers = []
    if mean.units:
        numbers.append((measure.difference(mean.mean), f"{comparison.first} minus {comparison.second}{unit}"))
    if mean.interval:
        ends = f"{measure.difference(mean.interval.low)} to {measure.difference(mean.interval.high)}"
        numbers.append((ends, f"95 % interval{unit}"))
    if mean.interval and test_set and test_set.half_width is not None:
        reach = f"\N{PLUS-MINUS SIGN}{measure.level(test_set.half_width)}"
        numbers.append((reach, f"what another test set of this size adds, 95 %{unit}"))
    if smallest := detectable(comparison):
        what = "smallest true difference that such a study finds 4 times in 5"
        numbers.append((measure.level(smallest), f"{what}{unit}"))
    return [
        *numbers,
        (str(mean.units), f"{comparison.unit}s compared"),
        (f"{account.pairs_compared:,} of {account.pairs_planned:,}", "pairs of runs compared"),
        (f"{completed:,} of {data.study.planned_runs:,}", "planned runs completed"),
    ]
