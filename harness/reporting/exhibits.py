"""All figures of a report."""

from harness.reporting.alignment import evaluation_interval, of_pairs
from harness.reporting.cost_exhibits import cost_exhibit, kept_exhibit
from harness.reporting.curve_exhibits import forgetting_exhibit, learning_exhibit, losses_exhibit, training_exhibit
from harness.reporting.effect_exhibits import differences_exhibit, map_exhibit, pairs_exhibit
from harness.reporting.exhibit import Exhibit
from harness.reporting.measures import Measure
from harness.reporting.pairing import Comparison
from harness.reporting.pareto_exhibits import pareto_exhibits
from harness.reporting.study_data import StudyData

__all__ = ["exhibits_of"]


def exhibits_of(
    data: StudyData, comparison: Comparison, measure: Measure, smallest_effect: float
) -> dict[str, Exhibit]:
    """Return the figures for which there is data, by name."""
    weighed = pareto_exhibits(data)
    if not comparison.mean.units:
        return {exhibit.name: exhibit for exhibit in weighed}
    curves = of_pairs(data.curves, comparison.pairs, comparison.first, comparison.second)
    interval = evaluation_interval(curves)
    found = (
        differences_exhibit(data, comparison, measure, smallest_effect),
        pairs_exhibit(comparison, measure),
        map_exhibit(data, comparison, measure),
        kept_exhibit(data, comparison),
        cost_exhibit(data, comparison, measure),
        learning_exhibit(curves, comparison, interval),
        forgetting_exhibit(curves, comparison, interval),
        training_exhibit(data),
        losses_exhibit(curves, comparison, interval),
        *weighed,
    )
    return {exhibit.name: exhibit for exhibit in found if exhibit is not None}
