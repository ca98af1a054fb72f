"""How every arm stands on the primary metric: its mean, and its paired difference to one of the compared arms."""

from dataclasses import dataclass

from harness.reporting.analysis.pairing import Comparison, compare
from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import StudyData
from harness.reporting.statistics import MeanEstimate

__all__ = ["Standing", "against", "standings"]


@dataclass(frozen=True)
class Standing:
    """One arm.

    Attributes:
        mean: over the configurations that are paired with the reference.
        difference: the arm minus the reference; None for the reference itself.
    """

    arm: str
    mean: float
    difference: MeanEstimate | None


def standings(data: StudyData, comparison: Comparison, measure: Measure) -> list[Standing]:
    """Return every arm that has a result, the best first, with its difference to the second arm of the comparison."""
    reference = Standing(comparison.second, float(comparison.configurations["second"].mean()), None)
    found = [against(data, comparison, arm, comparison.second) for arm in data.arms if arm != comparison.second]
    known = [reference, *(standing for standing in found if standing.difference and standing.difference.units)]
    return sorted(known, key=lambda standing: -standing.mean if measure.higher_is_better else standing.mean)


def against(data: StudyData, comparison: Comparison, arm: str, reference: str) -> Standing:
    """Compare an arm with another as the primary comparison compares its two."""
    paired = compare(data.runs, arm, reference, comparison.metric, failure_value=comparison.failure_value)
    return Standing(arm, float(paired.configurations["first"].mean()), paired.mean)
