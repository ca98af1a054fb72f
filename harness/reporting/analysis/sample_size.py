"""From a pilot to the size of the study that answers the question."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.core.errors import InputError
from harness.core.seed_layout import SeedLayout
from harness.reporting.analysis.pairing import Comparison, primary_comparison
from harness.reporting.analysis.sensitivity import detectable
from harness.reporting.data.measures import Measure
from harness.reporting.data.study_data import StudyData
from harness.reporting.statistics import (
    MeanError,
    Spread,
    TwoWayLayout,
    spread_of,
    units_to_find,
    units_to_show_equivalence,
)

__all__ = ["Option", "SampleSize", "sample_size_of"]

SEEDS = (1, 2, 3, 5, 10)
FEWEST_CONFIGURATIONS = 3


@dataclass(frozen=True)
class Option:
    """One way to spend runs; a number of configurations is None where more than 10,000 would be needed.

    Attributes:
        configurations: that find the effect with the wanted chance, if the pilot's spread is the true one.
        cautious: the same, if the spread is as large as it may well be after so small a pilot.
        equivalence: that show the arms to be equivalent with the wanted chance, if there is no effect at all.
        runs: of all arms, for the cautious number of configurations.
    """

    seeds: int
    configurations: int | None
    cautious: int | None
    equivalence: int | None
    runs: int | None


@dataclass(frozen=True)
class SampleSize:
    """What a pilot says about the study to come.

    Attributes:
        effect: the difference to find, in the metric's stored units.
        power: the chance with which to find it.
        layout: which seeds the configurations of the study to come have.
        detectable: the effect that the pilot itself would find with that chance; None where it has no interval.
        options: by seeds.
    """

    comparison: Comparison
    measure: Measure
    effect: float
    power: float
    spread: Spread
    layout: SeedLayout
    detectable: float | None
    options: tuple[Option, ...]

    @property
    def cheapest(self) -> Option | None:
        """The option with the fewest runs, and of those the one with the fewest seeds; None if there is none."""
        possible = [option for option in self.options if option.runs is not None]
        return min(possible, key=lambda option: (option.runs, option.seeds), default=None)


def sample_size_of(
    data: StudyData, *, effect: float | None = None, power: float = 0.8, layout: SeedLayout | None = None
) -> SampleSize:
    """Compute it from the runs that have ended.

    Args:
        data: of the pilot.
        effect: to find; the study's smallest effect that matters, if not given.
        power: the chance with which to find it.
        layout: of the study to come; the pilot's own, if not given.

    Raises:
        InputError: there is no effect to look for, or too few configurations to see how much they differ.
    """
    spec = data.study.spec
    wanted = spec.smallest_effect if effect is None else effect
    _check(data.study.name, wanted, power)
    comparison = primary_comparison(data)
    if comparison.mean.units < FEWEST_CONFIGURATIONS:
        raise InputError(
            f"expected a pilot of {FEWEST_CONFIGURATIONS} or more configurations that ended under both "
            f"{comparison.first} and {comparison.second}, found {comparison.mean.units} in {data.study.name!r}; "
            "run more with --trials"
        )
    pairs = comparison.pairs
    spread = spread_of(pairs["trial"], pairs["seed"], pairs["difference"])
    shared = TwoWayLayout(pairs["trial"], pairs["seed"]).shared
    layout = layout or (spec.design.seeds if shared else "own")
    options = tuple(_option(spread, layout, seeds, wanted, power, len(spec.arms)) for seeds in _seeds(spread, layout))
    return SampleSize(
        *(comparison, data.measure(comparison.metric), wanted, power, spread, layout),
        *(detectable(comparison, power), options),
    )


def _check(study: str, effect: float, power: float) -> None:
    if not 0 < effect < np.inf:
        raise InputError(
            f"expected an effect above 0 to plan for, found {effect:g}; give --effect, or smallest_effect in {study!r}"
        )
    if not 0 < power < 1:
        raise InputError(f"expected a power between 0 and 1, found {power:g}; 0.8 is usual")


def _option(spread: Spread, layout: SeedLayout, seeds: int, effect: float, power: float, arms: int) -> Option:
    def as_seen(units: int) -> MeanError | None:
        return spread.error(layout, units, seeds)

    def cautiously(units: int) -> MeanError | None:
        error = as_seen(units)
        return error and replace(error, se=error.se * spread.caution)

    cautious = units_to_find(effect, cautiously, power)
    return Option(
        seeds,
        units_to_find(effect, as_seen, power),
        cautious,
        units_to_show_equivalence(effect, as_seen, power),
        None if cautious is None else cautious * seeds * arms,
    )


def _seeds(spread: Spread, layout: SeedLayout) -> Sequence[int]:
    """Return the numbers of seeds to look at: where a pilot has one seed each, nothing is known of any other number.

    One seed that all configurations share leaves no interval.
    """
    own = round(spread.seeds)
    known = sorted({*SEEDS, own}) if np.isfinite(spread.within) else [own]
    return [seeds for seeds in known if seeds > 1 or layout != "crossed"]
