"""A test that assumes only this: were there no effect, each difference could as well have the other sign."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.reporting.statistics._base import MINIMUM_UNITS, as_units, stream

__all__ = ["SignFlipTest", "sign_flip"]

MOST_UNITS_EXACTLY = 14
DRAWS = 99_999


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
    """Test whether the mean is zero; None below five units. With five, p is never below 0.0625."""
    if len(values) < MINIMUM_UNITS:
        return None
    units, exact = as_units(values), len(values) <= MOST_UNITS_EXACTLY
    tested = stats.permutation_test(
        (units,),
        np.mean,
        permutation_type="samples",
        n_resamples=np.inf if exact else DRAWS,
        batch=10_000,
        rng=stream("sign flip"),
    )
    return SignFlipTest(float(tested.pvalue), exact)
