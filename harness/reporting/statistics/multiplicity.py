"""Several tests at once: Holm's adjustment, which keeps the chance of any false finding at its level."""

from collections.abc import Sequence

import numpy as np

__all__ = ["holm"]


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return the adjusted p values (Holm, 1979).

    A test that was planned and could not be made, NaN, stays NaN and still counts: a family that shrinks with the data
    would make the others look better.
    """
    found = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(np.nan_to_num(found, nan=1.0), kind="stable")
    raised = np.nan_to_num(found, nan=1.0)[order] * np.arange(len(found), 0, -1)
    adjusted = np.empty_like(found)
    adjusted[order] = np.minimum(np.maximum.accumulate(raised), 1.0)
    return tuple(np.where(np.isnan(found), np.nan, adjusted).tolist())
