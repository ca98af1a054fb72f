"""Which searched fields matter: functional ANOVA of a random forest, with intervals and a null bar.

The forest is fitted to one value per configuration: the paired effect, or an arm's metric. A field's importance is the
share of that value's variance that the field's main effect in the forest accounts for (Hutter et al., 2014), the other
fields averaged over the configurations that were run; what is missing to 1 is noise and interplay. Shares of the
forest's own variance, as usual, would always add up to much, for a forest finds something in noise, too. What it finds
for shuffled targets is the null bar, and only a field above it is named.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor

from harness.reporting.fields import Fields, encoded
from harness.reporting.missingness import results_of
from harness.reporting.pairing import Comparison
from harness.reporting.study_data import PARAM

__all__ = [
    "FEWEST_CONFIGURATIONS",
    "FieldImportance",
    "Importance",
    "effect_importance",
    "importance_of",
    "metric_importance",
]

FEWEST_CONFIGURATIONS = 12
TREES = 32
RESAMPLES, SHUFFLES = 60, 100
LEVEL = 0.95

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FieldImportance:
    """One field's share of what varies.

    Attributes:
        share: of the target's variance, in `[0, 1]`.
        low: with `high`, the middle 95 % over resampled configurations; a description, not a test.
        settings: the values that were run, up to 16 of them, each with the forest's mean at that value in `means`.
    """

    name: str
    share: float
    low: float
    high: float
    settings: tuple[Any, ...]
    means: tuple[float, ...]


@dataclass(frozen=True)
class Importance:
    """How much each field matters to one target.

    Attributes:
        fields: most important first; a field that was not varied is not among them.
        null: the share that, with no field mattering, the most important one stays below in 95 % of all cases.
    """

    fields: tuple[FieldImportance, ...]
    null: float
    configurations: int

    @property
    def named(self) -> tuple[str, ...]:
        """The fields that stand above the null bar."""
        return tuple(field.name for field in self.fields if field.share > self.null)


def effect_importance(runs: pd.DataFrame, comparison: Comparison) -> Importance | None:
    """Return what the paired effect depends on: the target is each configuration's mean difference."""
    differences = comparison.configurations.set_index("trial")["difference"]
    return importance_of(_searched(runs, differences.index), differences.tolist())


def metric_importance(
    runs: pd.DataFrame, arm: str, metric: str, *, failure_value: float | None = None
) -> Importance | None:
    """Return what `metric` depends on under one arm: the target is each configuration's mean over its seeds."""
    values = pd.Series(results_of(runs, metric, failure_value), index=runs["trial"].to_numpy())
    means = values[(runs["arm"] == arm).to_numpy()].dropna().groupby(level=0).mean()
    return importance_of(_searched(runs, means.index), means.tolist())


def _searched(runs: pd.DataFrame, trials: pd.Index) -> dict[str, list[Any]]:
    """Return the searched values of these configurations by field."""
    labels = [name for name in map(str, runs.columns) if name.startswith(PARAM)]
    rows = runs.drop_duplicates("trial").set_index("trial").loc[trials]
    return {label.removeprefix(PARAM): rows[label].tolist() for label in labels}


def importance_of(fields: Mapping[str, Sequence[Any]], target: Sequence[float], *, seed: int = 0) -> Importance | None:
    """Return how much each field, given by its values, matters to `target`; both have one value a configuration.

    None below twelve configurations, where a forest has nothing to go by, and where no field or no target varies.

    Raises:
        ValueError: a field has not as many values as the target, or the target is no number somewhere.
    """
    aim = np.asarray(target, dtype=np.float64)
    _check(fields, aim)
    stream, size = np.random.default_rng(seed), len(aim)
    design = encoded(fields, stream)
    if not design.names or size < FEWEST_CONFIGURATIONS or np.ptp(aim) == 0:
        return None
    shares, means = _main_effects(design, aim, np.arange(size), seed)
    again = [_main_effects(design, aim, stream.integers(size, size=size), seed)[0] for _ in range(RESAMPLES)]
    low, high = np.quantile(again, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2], axis=0)
    # The most important of all fields, for the bar holds for every one of them at once.
    noise = [_main_effects(design, stream.permutation(aim), np.arange(size), seed)[0].max() for _ in range(SHUFFLES)]
    found = [
        FieldImportance(name, float(shares[place]), float(low[place]), float(high[place]), values, tuple(means[place]))
        for place, (name, values) in enumerate(zip(design.names, design.settings, strict=True))
    ]
    return Importance(tuple(sorted(found, key=lambda field: -field.share)), float(np.quantile(noise, LEVEL)), size)


def _check(fields: Mapping[str, Sequence[Any]], target: Array) -> None:
    if not np.isfinite(target).all():
        raise ValueError("expected a finite target for every configuration, found NaN or infinity; leave those out")
    for name, values in fields.items():
        if len(values) != len(target):
            raise ValueError(f"expected {len(target)} values of {name!r}, one a configuration, found {len(values)}")


def _main_effects(design: Fields, target: Array, rows: NDArray[np.intp], seed: int) -> tuple[Array, list[list[float]]]:
    """Fit a forest to some rows; return each field's share of the variance, and its mean at each of its values.

    The mean over the background, with one field set to a value, is that field's marginal; its variance over the values,
    each as often as it was run, is the main effect.
    """
    # Leaves of a fixed size would let a continuous field explain as much of the noise of 1,000 configurations as of 20.
    leaf = max(2, isqrt(len(rows)) // 2)
    forest = RandomForestRegressor(TREES, min_samples_leaf=leaf, random_state=seed, n_jobs=1)
    forest.fit(design.inputs[rows], target[rows])
    marginals = forest.predict(design.grid).reshape(-1, len(design.background)).mean(axis=1)
    means = np.split(marginals, np.cumsum([len(settings) for settings in design.settings])[:-1])
    spreads = [np.cov(part, aweights=weights, ddof=0) for part, weights in zip(means, design.weights, strict=True)]
    return np.minimum(np.array(spreads) / np.var(target), 1.0), [part.tolist() for part in means]
