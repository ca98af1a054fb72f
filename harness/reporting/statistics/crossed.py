"""Paired differences whose seeds are shared between configurations: a two-way layout, complete or with gaps.

A seed that every configuration was run with moves all of their differences together, so it does not average out over
configurations. The variance of the mean then has three parts: configurations, seeds, and what is left. They are
estimated by Henderson's third method (Biometrics 9, 1953), which in a complete layout gives

    var(mean) = (MS_configurations + MS_seeds - MS_rest) / (configurations x seeds)

with Satterthwaite's degrees of freedom (Biometrics Bulletin 2, 1946).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Components", "MeanError", "TwoWayLayout"]

Numbers = NDArray[np.float64]

MOST_INFLATION = 1.5


@dataclass(frozen=True)
class MeanError:
    """The standard error of a mean, and the degrees of freedom with which it is known."""

    se: float
    df: float


@dataclass(frozen=True)
class Components:
    """The variances behind paired differences; an estimate may lie below zero.

    Attributes:
        units: of the effect, from one unit (configuration) to another.
        seeds: of what a seed does to all units alike.
        rest: of what is left: a seed's effect on one unit alone, and noise.
    """

    units: float
    seeds: float
    rest: float


class TwoWayLayout:
    """Which units were run with which seeds.

    Args:
        units: the unit of each pair of runs, `[pairs]`.
        seeds: its seed, `[pairs]`; a unit has a seed at most once.

    Attributes:
        units, seeds: how many there are.
        rows, columns: of each pair, the place of its unit and of its seed among the sorted ones, `[pairs]`.
    """

    def __init__(self, units: ArrayLike, seeds: ArrayLike) -> None:
        (_, self.rows), (_, self.columns) = (np.unique(labels, return_inverse=True) for labels in (units, seeds))
        self.units = int(self.rows.max(initial=-1)) + 1
        self.seeds = int(self.columns.max(initial=-1)) + 1

    @property
    def shared(self) -> bool:
        """Whether any two units have a seed in common."""
        return self.seeds < len(self.rows)

    @cached_property
    def _count(self) -> Numbers:
        """Ones where a unit was run with a seed, `[units, seeds]`; large where none are shared, so made when needed."""
        count = np.zeros((self.units, self.seeds))
        count[self.rows, self.columns] = 1.0
        return count

    @cached_property
    def dfs(self) -> tuple[float, float, float]:
        """Degrees of freedom of units after seeds, of seeds after units, and of the rest."""
        groups = self._groups()
        rest = len(self.rows) - self.units - self.seeds + groups
        return float(self.units - groups), float(self.seeds - groups), float(rest)

    @property
    def estimable(self) -> bool:
        """Whether the layout tells the three components apart."""
        return min(self.dfs) > 0

    @cached_property
    def weights(self) -> tuple[float, float, float]:
        """What the variance of the mean of units' means holds of each component."""
        share = self._count / (self.units * self._count.sum(axis=1, keepdims=True))
        return 1 / self.units, float((share.sum(axis=0) ** 2).sum()), float((share**2).sum())

    @property
    def worst_inflation(self) -> float | None:
        """How many times larger the variance of the mean is than one that ignores shared seeds makes it, at worst.

        At worst, all that varies are the seeds; None where that leaves nothing to see, or is more than 1.5.
        """
        _, of_seeds, of_rest = self.weights
        seen = self.units * of_rest - of_seeds  # times units / (units - 1), what units differ by if seeds alone vary
        inflation = of_seeds * (self.units - 1) / seen if seen > 0 else np.inf
        return float(inflation) if inflation <= MOST_INFLATION else None

    def components(self, differences: Numbers) -> Components:
        """Estimate the components behind `differences`, `[pairs]`; the layout must tell them apart."""
        total = float(((differences - differences.mean()) ** 2).sum())
        by_unit, by_seed = (_between(labels, differences) for labels in (self.rows, self.columns))
        seeds_after_units = self._seeds_after_units(differences)
        rest = max(total - by_unit - seeds_after_units, 0.0) / self.dfs[2]
        units_after_seeds = by_unit + seeds_after_units - by_seed
        squares = units_after_seeds / self.dfs[0], seeds_after_units / self.dfs[1]
        of_units, of_seeds = ((square - rest) / slope for square, slope in zip(squares, self._slopes, strict=True))
        return Components(of_units, of_seeds, rest)

    def plausible(self, components: Components) -> bool:
        """Whether the differences leave room for an effect of seeds: their mean square is half of the rest's, or more.

        Where it is less, chance made the seeds look more alike than noise can be. By simulation, to ignore them there
        keeps the coverage of intervals closest to 95 %.
        """
        return self._slopes[1] * components.seeds > -components.rest / 2

    def error(self, components: Components) -> MeanError | None:
        """Return the error of the mean of units' means; None if its variance does not come out positive.

        The variance is written as a sum of independent mean squares, which gives Satterthwaite's degrees of freedom.
        As the rest's square is taken off, these may come out below those of both others, which they never are.
        """
        slopes, rest = self._slopes, components.rest
        squares = slopes[0] * components.units + rest, slopes[1] * components.seeds + rest, rest
        shares = self.weights[0] / slopes[0], self.weights[1] / slopes[1]
        terms = shares[0] * squares[0], shares[1] * squares[1], (self.weights[2] - sum(shares)) * squares[2]
        variance = sum(terms)
        doubt = sum(term**2 / df for term, df in zip(terms, self.dfs, strict=True))
        if not (variance > 0 and doubt > 0):
            return None
        return MeanError(float(np.sqrt(variance)), max(variance**2 / doubt, min(self.dfs[:2])))

    @cached_property
    def _slopes(self) -> tuple[float, float]:
        """How much a mean square, of units and of seeds, grows with its own component."""
        count, pairs = self._count, len(self.rows)
        of_units = (pairs - (count**2 / count.sum(axis=0)).sum()) / self.dfs[0]
        of_seeds = (pairs - (count**2 / count.sum(axis=1, keepdims=True)).sum()) / self.dfs[1]
        return float(of_units), float(of_seeds)

    def _seeds_after_units(self, differences: Numbers) -> float:
        count = self._count
        share = count / count.sum(axis=1, keepdims=True)
        adjusted = np.bincount(self.columns, differences) - share.T @ np.bincount(self.rows, differences)
        information = np.diag(count.sum(axis=0)) - count.T @ share
        return float(adjusted @ np.linalg.pinv(information, hermitian=True) @ adjusted)

    def _groups(self) -> int:
        """Return into how many groups of units and seeds the layout falls that have nothing in common."""
        left, groups = np.ones(self.units, dtype=bool), 0
        while left.any():
            groups += 1
            reached = np.zeros(self.units, dtype=bool)
            wider = np.arange(self.units) == np.flatnonzero(left)[0]
            while (wider != reached).any():
                reached = wider
                wider = self._count[:, self._count[reached].any(axis=0)].any(axis=1)
            left &= ~reached
        return groups


def _between(labels: NDArray[np.intp], differences: Numbers) -> float:
    """Return the sum of squares between the groups of a label, around the mean of all."""
    centered = differences - differences.mean()
    return float((np.bincount(labels, centered) ** 2 / np.bincount(labels)).sum())
