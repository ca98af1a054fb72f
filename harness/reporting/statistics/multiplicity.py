"""Several tests at once: Holm's adjustment, which keeps the chance of any false finding at its level."""

from collections.abc import Sequence

import numpy as np
from statsmodels.stats.multitest import multipletests

__all__ = ["holm"]


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return the adjusted p values (Holm, 1979).

    A test that was planned and could not be made, NaN, stays NaN and still counts: a family that shrinks with the data
    would make the others look better.
    """
    found = np.asarray(p_values, dtype=np.float64)
    if not len(found):
        return ()
    adjusted = multipletests(np.nan_to_num(found, nan=1.0), method="holm")[1]
    return tuple(float(p) for p in np.where(np.isnan(found), np.nan, adjusted))
