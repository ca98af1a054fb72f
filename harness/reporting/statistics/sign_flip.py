"""A test that assumes only this: were there no effect, each difference could as well have the other sign."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.reporting.statistics._base import MINIMUM_UNITS, as_units, stream

__all__ = ["SignFlipTest", "sign_flip"]

MOST_UNITS_EXACTLY = 14
DRAWS, BATCH = 99_999, 10_000
ROUNDING = 100 * 2.0**-52  # by which means that are the same may differ


@dataclass(frozen=True)
class SignFlipTest:
    """A sign-flip test of the mean against zero.

    Attributes:
        p: two-sided.
        exact: whether all patterns of signs were tried (up to 14 units) or 99,999 drawn ones.
    """

    p: float
    exact: bool


def sign_flip(values: Sequence[float]) -> SignFlipTest | None:
    """Test whether the mean is zero; None below five units. With five, p is never below 0.0625.

    SciPy's `permutation_test` comes to the same, from the same draws.
    """
    if len(values) < MINIMUM_UNITS:
        return None
    units, exact = as_units(values), len(values) <= MOST_UNITS_EXACTLY
    everything = 2 ** len(units) <= DRAWS
    patterns = [_all_flips(len(units))] if everything else _drawn_flips(len(units))
    means = np.concatenate([np.where(flips, -units[:, None], units[:, None]).mean(axis=0) for flips in patterns])
    mean = np.mean(units)
    room = abs(ROUNDING * mean)
    counts = np.count_nonzero(means <= mean + room), np.count_nonzero(means >= mean - room)
    observed = 0 if everything else 1  # pattern of signs, which counts beside the drawn ones
    return SignFlipTest(float(min(1.0, 2 * ((min(counts) + observed) / (len(means) + observed)))), exact)


def _all_flips(units: int) -> NDArray[np.bool_]:
    """Return every pattern of signs, `[units, 2^units]`."""
    return (np.arange(2**units) >> np.arange(units)[:, None] & 1).astype(bool)


def _drawn_flips(units: int) -> Iterator[NDArray[np.bool_]]:
    """Yield drawn patterns of signs, `[units, patterns]`."""
    draws, unflipped = stream("sign flip"), np.tile(np.arange(2), (BATCH, units, 1))
    for start in range(0, DRAWS, BATCH):
        drawn = draws.permuted(unflipped, axis=-1)[: DRAWS - start, :, 0]
        yield np.ascontiguousarray(drawn.T == 1)
