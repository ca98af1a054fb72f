"""All figures of a report."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from harness.reporting.analysis.equal_cost import AtCost, Cost
from harness.reporting.analysis.pairing import Comparison
from harness.reporting.data.alignment import evaluation_interval
from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures._base import Exhibit
from harness.reporting.figures.anytime_exhibits import best_exhibit
from harness.reporting.figures.class_exhibits import classes_exhibit
from harness.reporting.figures.compute import compute_exhibit, operations_exhibit
from harness.reporting.figures.controls import every_arm_exhibit
from harness.reporting.figures.cost_exhibits import cost_exhibit, kept_exhibit
from harness.reporting.figures.curve_exhibits import learning_exhibit, losses_exhibit, training_exhibit
from harness.reporting.figures.dynamics_exhibits import drift_exhibit, gradients_exhibit, shares_exhibit
from harness.reporting.figures.effect_exhibits import differences_exhibit, map_exhibit, pairs_exhibit
from harness.reporting.figures.growth_exhibits import arrivals_exhibit, preserved_exhibit
from harness.reporting.figures.importance_exhibits import importance_exhibit
from harness.reporting.figures.pareto_exhibits import pareto_exhibits
from harness.reporting.figures.run_exhibits import course_exhibit
from harness.reporting.figures.stability_exhibits import stability_exhibit
from harness.reporting.importance.drivers import Driver

__all__ = ["exhibits_of"]


def exhibits_of(
    data: StudyData,
    curves: pd.DataFrame,
    comparison: Comparison,
    measure: Measure,
    smallest_effect: float,
    driving: Sequence[Driver],
    spent: Mapping[Cost, AtCost],
) -> dict[str, Exhibit]:
    """Return the figures for which there is data, by name; `curves` are those `on_growth_axis`, `spent` `at_costs`."""
    found = [course_exhibit(data), *pareto_exhibits(data)]
    if comparison.mean.units:
        found += [
            differences_exhibit(data, comparison, measure, smallest_effect),
            pairs_exhibit(comparison, measure),
            every_arm_exhibit(data, measure),
            kept_exhibit(data, comparison),
            cost_exhibit(data, comparison, measure),
            importance_exhibit(driving),
            compute_exhibit(data, measure, spent),
            operations_exhibit(data, measure, spent),
            map_exhibit(data, comparison, measure),
            best_exhibit(data, measure),
            preserved_exhibit(data),
            arrivals_exhibit(data),
            training_exhibit(data),
            *_around_growth(data, curves, comparison),
        ]
    return {exhibit.name: exhibit for exhibit in found if exhibit is not None}


def _around_growth(data: StudyData, curves: pd.DataFrame, comparison: Comparison) -> Iterator[Exhibit | None]:
    interval, arms = evaluation_interval(curves), _there(data.arms, curves)
    yield learning_exhibit(data, curves, comparison, interval, arms)
    for exhibit in (
        stability_exhibit,
        losses_exhibit,
        gradients_exhibit,
        drift_exhibit,
        classes_exhibit,
    ):
        yield exhibit(curves, comparison, interval, arms)
    yield shares_exhibit(data, curves, comparison, interval, arms)


def _there(arms: Sequence[str], curves: pd.DataFrame) -> list[str]:
    """Return those of the arms that have curves."""
    known = set(curves["arm"].unique())
    return [arm for arm in arms if arm in known]
