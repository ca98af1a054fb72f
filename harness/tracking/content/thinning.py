"""Which points of a run's curves are shown: enough to see its course. Every step is in the store, and in reports."""

from collections.abc import Iterator, Mapping
from math import ceil
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from harness.core.history import Series

__all__ = ["MOST_POINTS", "Thinning", "TrackingPoints"]

TrackingPoints = Literal["thinned", "all"]

MOST_POINTS = 500  # of a curve
TRAINING, VALIDATION, RATES = "train/", "val/", "train/lr/"
EPOCH = "train/epoch"  # the step, in other units
LOSS, WEIGHTED = "loss", "loss_weighted"
ACCURACY, OF_GROUPS = "accuracy", ("accuracy_by_arrival", "accuracy_within")
MEAN = "mean"  # over groups, and over all classes as long as there is one group


@final
class Thinning:
    """Leaves out points of one run, which is given whole, or part by part while it trains.

    - Of training, what was measured at evaluations is shown. Where a curve has no point at an evaluation, such as norms
      of gradients after a growth, all since the evaluation before are.
    - No curve has more than about 500 points.
    - A learning rate is shown where it changes.
    - Of two names of one number one is shown: no weighted loss whose weight is 1, no accuracy of an arrival that is
      that of a set of classes, and no epoch.

    Args:
        config: of the run.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        # No longer than arrays of steps can say, else of no use at all: the file of a live run may be damaged.
        self._steps = int(np.int64(config.get("steps") or 0))
        self._gap = int(np.int64((config.get("training") or {}).get("evaluate_every") or 1))
        self._every = max(1, ceil(self._steps / MOST_POINTS))
        self._rates: dict[str, float] = {}
        self._apart: set[str] = set()  # names whose values were seen to be numbers of their own

    def shown(self, measured: Mapping[str, Series]) -> dict[str, Series]:
        """Return what is shown of the next part of the run's history; names of which nothing is are left out."""
        of_validation = [series.steps for name, series in measured.items() if name.startswith(VALIDATION)]
        evaluated = np.unique(np.concatenate(of_validation)) if of_validation else np.empty(0, dtype=np.int64)
        kept = {
            name: self._thinned(name, series, evaluated)
            for name, series in measured.items()
            if not self._is_repeated(name, measured)
        }
        return {name: series for name, series in kept.items() if series.steps}

    def _thinned(self, name: str, series: Series, evaluated: NDArray[np.int64]) -> Series:
        if name.startswith(VALIDATION):
            return _picked(series, self._at_intervals(np.array(series.steps, dtype=np.int64), self._gap))
        if not name.startswith(TRAINING):
            return series
        picked = _picked(series, self._of_training(np.array(series.steps, dtype=np.int64), evaluated))
        return self._changes(name, picked) if name.startswith(RATES) else picked

    def _of_training(self, steps: NDArray[np.int64], evaluated: NDArray[np.int64]) -> NDArray[np.bool_]:
        if not len(evaluated):
            return self._at_intervals(steps, 1)
        place = np.searchsorted(evaluated, steps)
        after = place == len(evaluated)  # measured since the last evaluation
        next_one = evaluated[np.minimum(place, len(evaluated) - 1)]
        at_evaluation = self._at_intervals(steps, self._gap)
        between = ~np.isin(next_one, steps)
        return np.where(after, self._at_intervals(steps, 1), np.where(next_one == steps, at_evaluation, between))

    def _at_intervals(self, steps: NDArray[np.int64], gap: int) -> NDArray[np.bool_]:
        """Return which of `steps`, that lie `gap` apart, are the first of one of at most 500 intervals, or the last."""
        kept: NDArray[np.bool_] = (steps // self._every != (steps - gap) // self._every) | (steps == self._steps)
        return kept

    def _changes(self, name: str, series: Series) -> Series:
        changed = Series()
        for step, value in zip(series.steps, series.values, strict=True):
            if self._rates.get(name) != value:
                changed.steps.append(step)
                changed.values.append(value)
            self._rates[name] = value
        return changed

    def _is_repeated(self, name: str, measured: Mapping[str, Series]) -> bool:
        """Return whether another name has had the same values so far."""
        if name == EPOCH:
            return True
        if name not in self._apart and (others := list(_other_names(name, measured))):
            if any(vars(measured[other]) == vars(measured[name]) for other in others):
                return True
            self._apart.add(name)
        return False


def _other_names(name: str, measured: Mapping[str, Series]) -> Iterator[str]:
    """Yield the names under which the values of `name` may be shown, too."""
    split, _, rest = name.partition("/")
    kind, _, part = rest.partition("/")
    if kind == WEIGHTED and (plain := f"{split}/{LOSS}/{part}") in measured:
        yield plain
    if kind in OF_GROUPS and part != MEAN:
        yield from (other for other in measured if other.startswith(f"{split}/{ACCURACY}/"))


def _picked(series: Series, kept: NDArray[np.bool_]) -> Series:
    pairs = [
        pair for pair, keep in zip(zip(series.steps, series.values, strict=True), kept.tolist(), strict=True) if keep
    ]
    return Series([step for step, _ in pairs], [value for _, value in pairs])
