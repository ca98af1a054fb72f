"""What drives the answer: which searched fields the difference depends on, and which the metric itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from harness.reporting.analysis.pairing import Comparison
from harness.reporting.data.columns import PARAM
from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import count
from harness.reporting.importance.encoding import Fields, encoded
from harness.reporting.importance.fanova import main_effects
from harness.reporting.importance.ped_anova import divergences
from harness.reporting.importance.permutation import FEWEST_CONFIGURATIONS, Importance, importance_of
from harness.reporting.statistics import stream

__all__ = ["Driver", "Target", "drivers", "why_none"]

Target = Literal["difference", "metric"]


@dataclass(frozen=True)
class Driver:
    """What the fields have to do with one target, by two methods that fail in different ways.

    Attributes:
        target: the paired difference, or the metric's mean over both arms.
        variance: shares of the target's variance, by functional ANOVA.
        best: how far the best configurations differ from all, by PED-ANOVA.
    """

    target: Target
    variance: Importance
    best: Importance


def drivers(data: StudyData, comparison: Comparison, measure: Measure) -> tuple[Driver, ...]:
    """Return what the difference and the metric depend on; nothing where `why_none` gives a reason."""
    design, rows = _design(data, comparison), comparison.configurations
    if why_none(data, comparison):
        return ()
    targets: tuple[tuple[Target, pd.Series], ...] = (
        ("difference", rows["difference"]),
        ("metric", (rows["first"] + rows["second"]) / 2),
    )
    found = (_driver(name, design, values.tolist(), measure) for name, values in targets)
    return tuple(driver for driver in found if driver)


def why_none(data: StudyData, comparison: Comparison) -> str:
    """Say why nothing can be said about the fields; empty if something can."""
    units = comparison.mean.units
    if data.searched:
        return "Each arm was tuned on its own: what the searched fields do to the difference was not asked."
    if not _design(data, comparison).names:
        return "No searched field takes more than one value, so none can be said to matter."
    if units < FEWEST_CONFIGURATIONS:
        return (
            f"Which of the searched fields matters cannot be said from {count(units, 'configuration')}: below "
            f"{FEWEST_CONFIGURATIONS}, every method finds as much in noise."
        )
    return ""


def _driver(target: Target, design: Fields, values: Sequence[float], measure: Measure) -> Driver | None:
    variance = importance_of(design, values, main_effects)
    better = 1.0 if measure.higher_is_better else -1.0
    best = importance_of(design, [better * value for value in values], divergences)
    return Driver(target, variance, best) if variance and best else None


def _design(data: StudyData, comparison: Comparison) -> Fields:
    """Return the searched values of the compared configurations."""
    rows = data.runs.drop_duplicates("trial").set_index("trial").loc[comparison.configurations["trial"]]
    values: dict[str, list[Any]] = {label: rows[PARAM + label].tolist() for label in data.labels}
    logarithmic = [label for label, dimension in data.study.spec.space.items() if dimension.logarithmic]
    return encoded(values, stream("background"), logarithmic)
