"""Studies whose answer is known: made-up runs, to see how often the project's own analysis is right."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.core.seed_layout import SeedLayout, seeds_of
from harness.reporting.statistics import TwoWayLayout

__all__ = ["ARMS", "GUESS", "SimulatedCurves", "SimulatedDifferences", "SimulatedStudy"]

ARMS = ("unfrozen", "frozen")
GUESS = 0.1
LEVEL = 0.85


@dataclass(frozen=True)
class SimulatedStudy:
    """A study that can be drawn again and again.

    Attributes:
        effect: the mean of what the first arm gains over the second, over all configurations there could be.
        between: SD of that gain from one configuration to another.
        noise: SD of a run around its configuration's mean, in each arm.
        collapse: the chance of a run to diverge, under the first arm and the second; it then counts as `GUESS`.
        metrics: how many metrics a run has, called `test/accuracy/0` and so on; their noise is shared by half.
    """

    configurations: int = 12
    seeds: int = 3
    effect: float = 0.0
    between: float = 0.01
    noise: float = 0.01
    collapse: tuple[float, float] = (0.0, 0.0)
    metrics: int = 1

    @property
    def estimand(self) -> float:
        """What the analysis should find: the difference of the arms' means, collapsed runs among them."""
        first, second = self.collapse
        return (1 - first) * (LEVEL + self.effect - GUESS) - (1 - second) * (LEVEL - GUESS)

    def draw(self, generator: np.random.Generator) -> pd.DataFrame:
        """Return the runs of one such study, with the columns that an analysis reads."""
        trials, arms, places = (part.ravel() for part in np.indices((self.configurations, 2, self.seeds)))
        gain = self.effect + self.between * self._normal(generator, self.configurations)
        level = LEVEL + 0.02 * generator.standard_normal((self.configurations, 1))
        values = level[trials] + np.where(arms[:, None] == 0, gain[trials], 0.0)
        values += self.noise * self._normal(generator, len(trials))
        fell = generator.random(len(trials)) < np.array(self.collapse)[arms]
        values[fell] = np.nan
        status, reason = np.where(fell, "failed", "completed"), np.where(fell, "diverged: total is nan", "")
        seeds = np.array([seeds_of("own", trial, self.seeds) for trial in range(self.configurations)])
        results = {f"test/accuracy/{metric}": values[:, metric] for metric in range(self.metrics)}
        names = np.array(ARMS)[arms]
        return pd.DataFrame(
            {"trial": trials, "seed": seeds[trials, places], "arm": names, "status": status, "reason": reason} | results
        )

    def _normal(self, generator: np.random.Generator, size: int) -> NDArray[np.float64]:
        """Return standard normal values `[size, metrics]`, half of whose variance the metrics share."""
        shared, own = generator.standard_normal((size, 1)), generator.standard_normal((size, self.metrics))
        mixed: NDArray[np.float64] = (shared + own) / np.sqrt(2)
        return mixed


@dataclass(frozen=True)
class SimulatedDifferences:
    """Paired differences around zero that can be drawn again and again.

    Attributes:
        between: SD of the effect from one configuration to another.
        alike: SD of what a seed does to all configurations that have it.
        rest: SD of what is left.
        layout: which seeds configurations have.
        lost: the chance of a pair to lack a result.
        effect: the mean of what is drawn.
    """

    configurations: int
    seeds: int
    between: float
    alike: float
    rest: float
    layout: SeedLayout = "own"
    lost: float = 0.0
    effect: float = 0.0

    @cached_property
    def complete(self) -> TwoWayLayout:
        """The layout of a study that lacks no pair."""
        units = np.repeat(np.arange(self.configurations), self.seeds)
        seeds = [seeds_of(self.layout, unit, self.seeds) for unit in range(self.configurations)]
        return TwoWayLayout(units, np.ravel(seeds))

    def draw(self, generator: np.random.Generator) -> tuple[TwoWayLayout, NDArray[np.float64]]:
        """Return which pairs have a result, and their differences `[pairs]`."""
        layout = self.complete
        of_units, of_seeds = generator.standard_normal(layout.units), generator.standard_normal(layout.seeds)
        values = self.effect + self.between * of_units[layout.rows] + self.alike * of_seeds[layout.columns]
        values += self.rest * generator.standard_normal(len(values))
        if not self.lost:
            return layout, values
        kept = generator.random(len(values)) >= self.lost
        return TwoWayLayout(layout.rows[kept], layout.columns[kept]), values[kept]


@dataclass(frozen=True)
class SimulatedCurves:
    """Validation curves after a growth that can be drawn again and again.

    Attributes:
        effect: what the first arm gains in the end; it comes with the first few points.
        between: SD of that gain from one configuration to another, the same at every point.
        memory: the correlation of a configuration's gain at one point with that at the next.
    """

    configurations: int = 12
    points: int = 25
    effect: float = 0.01
    between: float = 0.01
    memory: float = 0.9

    @property
    def estimand(self) -> NDArray[np.float64]:
        """The curve of the mean gain, `[points]`, which a band should hold."""
        curve: NDArray[np.float64] = self.effect * (1 - np.exp(-np.arange(self.points) / 5))
        return curve

    def draw(self, generator: np.random.Generator) -> pd.DataFrame:
        """Return `trial, arm, grown, offset, value`, as curves stand aligned at the growth."""
        shape = (self.configurations, self.points)
        news, gain = generator.standard_normal(shape), np.empty(shape)
        gain[:, 0] = news[:, 0]
        for point in range(1, self.points):
            gain[:, point] = self.memory * gain[:, point - 1] + np.sqrt(1 - self.memory**2) * news[:, point]
        second = LEVEL + 0.02 * generator.standard_normal(shape)
        values = np.stack([second + self.estimand + self.between * gain, second], axis=1)
        trials, arms, points = (part.ravel() for part in np.indices(values.shape))
        names = np.array(ARMS)[arms]
        frame = {"trial": trials, "arm": names, "grown": True, "offset": 25.0 * points, "value": values.ravel()}
        return pd.DataFrame(frame)
