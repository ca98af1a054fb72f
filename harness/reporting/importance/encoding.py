"""Searched fields as numbers: columns that a forest can be fitted to, and positions on a grid."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.core.digest import canonical_json

__all__ = ["Fields", "ValueGrid", "encoded"]

MOST_VALUES = 16
MOST_BACKGROUND = 100
STEPS = 50

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ValueGrid:
    """A field's values on a grid.

    Attributes:
        positions: where each configuration lies, from 0 up.
        steps: how many positions there are: the values that were run, or 50 equally far apart for more than 16 numbers.
        ordered: whether neighbors on the grid are alike, as those of numbers are.
    """

    positions: NDArray[np.intp]
    steps: int
    ordered: bool


@dataclass(frozen=True)
class Fields:
    """The fields that vary; a number has one column, anything else a column for each of its values.

    A number that does not always exist has a second column, which says whether it does.

    Attributes:
        inputs: `[configurations, columns]`.
        settings: for each field the values to look at, those that were run, or 16 quantiles of more numbers than that.
        weights: how often each of the settings was run.
        background: some of the rows of `inputs`, at most 100.
        scales: the fields on grids of their own.
        grid: the background again and again, with one field set to one value each time, in the order of `settings`.
    """

    names: tuple[str, ...]
    settings: tuple[tuple[Any, ...], ...]
    weights: tuple[Array, ...]
    inputs: Array
    background: Array
    grid: Array
    scales: tuple[ValueGrid, ...]


def encoded(
    fields: Mapping[str, Sequence[Any]], generator: np.random.Generator, logarithmic: Collection[str] = ()
) -> Fields:
    """Encode the fields of which more than one value was run; those named `logarithmic` were drawn so."""
    varied = {name: values for name, values in fields.items() if len(set(map(_key, values))) > 1}
    coded = [_numbers(values) if _all_numbers(values) else _categories(values) for values in varied.values()]
    if not coded:
        nothing = np.empty((0, 0))
        return Fields((), (), (), nothing, nothing, nothing, ())
    inputs = np.concatenate([columns for columns, *_ in coded], axis=1)
    background = inputs
    if len(inputs) > MOST_BACKGROUND:
        background = inputs[np.sort(generator.choice(len(inputs), MOST_BACKGROUND, replace=False))]
    values, weights = tuple(tuple(own) for _, own, _, _ in coded), tuple(own for *_, own in coded)
    grid = _grid(background, [codes for _, _, codes, _ in coded])
    scales = tuple(_scale(own, name in logarithmic) for name, own in varied.items())
    return Fields(tuple(varied), values, weights, inputs, background, grid, scales)


def _scale(values: Sequence[Any], logarithmic: bool) -> ValueGrid:
    ordered = _all_numbers(values)
    if not ordered:
        known, positions = np.unique([_key(value) for value in values], return_inverse=True)
        return ValueGrid(positions, len(known), ordered)
    column = np.asarray(values, dtype=np.float64)
    missing = np.isnan(column)
    if missing.any():  # where a number does not exist is a place of its own, after all others
        there = _scale(column[~missing].tolist(), logarithmic)
        positions = np.full(len(column), there.steps, dtype=np.intp)
        positions[~missing] = there.positions
        return ValueGrid(positions, there.steps + 1, ordered)
    known, positions = np.unique(column, return_inverse=True)
    if len(known) <= MOST_VALUES:
        return ValueGrid(positions, len(known), ordered)
    column = np.log(column) if logarithmic and column.min() > 0 else column
    shares = (column - column.min()) / np.ptp(column)
    # A value halfway between two positions goes to the lower one.
    return ValueGrid(np.ceil(shares * (STEPS - 1) - 0.5).astype(np.intp), STEPS, ordered)


def _grid(background: Array, codes: Sequence[Array]) -> Array:
    blocks, start = [], 0
    for own in codes:
        for code in own:
            block = background.copy()
            block[:, start : start + own.shape[1]] = code
            blocks.append(block)
        start += own.shape[1]
    return np.concatenate(blocks)


def _numbers(values: Sequence[Any]) -> tuple[Array, list[Any], Array, Array]:
    """Return a number's column, the values to look at, their codes and their weights."""
    there = [value for value in values if not _is_missing(value)]
    if len(there) < len(values):
        return _sometimes(values, there)
    column = np.asarray(values, dtype=np.float64)
    shown, counts = np.unique(column, return_counts=True)
    times = counts.astype(np.float64)
    if len(shown) > MOST_VALUES:
        shown = np.quantile(column, (np.arange(MOST_VALUES) + 0.5) / MOST_VALUES)
        times = np.ones(MOST_VALUES)
    return column[:, None], shown.tolist(), shown[:, None], times


def _sometimes(values: Sequence[Any], there: Sequence[Any]) -> tuple[Array, list[Any], Array, Array]:
    """Return the same of a number that does not always exist; where it does not, its median stands for it."""
    _, shown, codes, times = _numbers(there)
    usual = float(np.median(there))
    columns = np.array([[usual, 0.0] if _is_missing(value) else [float(value), 1.0] for value in values])
    known = np.hstack([codes, np.ones((len(shown), 1))])
    weights = np.append(times * (len(there) / times.sum()), len(values) - len(there))
    return columns, [*shown, math.nan], np.vstack([known, [usual, 0.0]]), weights


def _is_missing(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _categories(values: Sequence[Any]) -> tuple[Array, list[Any], Array, Array]:
    keys = [_key(value) for value in values]
    first = dict(zip(reversed(keys), reversed(values), strict=True))
    order = sorted(first)
    columns = np.array([[key == other for other in order] for key in keys], dtype=np.float64)
    return columns, [first[key] for key in order], np.eye(len(order)), columns.sum(axis=0)


def _all_numbers(values: Sequence[Any]) -> bool:
    """Return whether what there is are numbers; some may be missing, but not all."""
    return not all(map(_is_missing, values)) and all(
        _is_missing(value)
        or (isinstance(value, int | float | np.number) and not isinstance(value, bool) and np.isfinite(value))
        for value in values
    )


def _key(value: Any) -> str:
    """Return a text by which equal values are known; `True` is not 1, and NaN, which JSON has not, is one value."""
    plain = value.item() if isinstance(value, np.generic) else value
    return "none" if isinstance(plain, float) and not np.isfinite(plain) else canonical_json(plain)
