"""How every arm stands on the primary metric: its mean, and its paired difference to one of the compared arms."""

from dataclasses import dataclass

from harness.reporting.analysis.pairing import Comparison, compare
from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import StudyData
from harness.reporting.statistics import MeanEstimate

__all__ = ["Standing", "against", "standings", "told_the_head"]

WITHIN = "accuracy_within/"  # of metrics that tell a network which head is meant


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
    """Return every arm that has a result, the best first, with its difference to the second arm of the comparison.

    Left out are arms that another metric is for: see `told_the_head`.
    """
    reference = Standing(comparison.second, float(comparison.configurations["second"].mean()), None)
    left_out = {comparison.second, *told_the_head(data, comparison)}
    found = [against(data, comparison, arm, comparison.second) for arm in data.arms if arm not in left_out]
    known = [reference, *(standing for standing in found if standing.difference and standing.difference.units)]
    return sorted(known, key=lambda standing: -standing.mean if measure.higher_is_better else standing.mean)


def told_the_head(data: StudyData, comparison: Comparison) -> list[str]:
    """Return the arms whose published results are within heads, where the comparison's metric is over all heads.

    Such a network is asked for a class of a head that is named (task-incremental learning, arXiv 1904.07734); over all
    heads it is asked what it was never trained for.
    """
    if WITHIN in comparison.metric:
        return []
    compared = (comparison.first, comparison.second)
    published = [(result["arm"], str(result["metric"])) for result in data.study.spec.published]
    within = {arm for arm, metric in published if metric.startswith(WITHIN)}
    within -= {arm for arm, metric in published if not metric.startswith(WITHIN)}
    return [arm for arm in data.arms if arm in within and arm not in compared]


def against(data: StudyData, comparison: Comparison, arm: str, reference: str) -> Standing:
    """Compare an arm with another as the primary comparison compares its two."""
    paired = compare(data.runs, arm, reference, comparison.metric, failure_value=comparison.failure_value)
    return Standing(arm, float(paired.configurations["first"].mean()), paired.mean)
