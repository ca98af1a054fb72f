"""How many bits of two results differ."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["Values", "differing_bits"]

Values = Mapping[str, NDArray[np.generic]]


def differing_bits(left: Values, right: Values) -> int:
    """Return how many bits differ; of arrays that one side lacks, or has in another shape, all."""
    return sum(_of_arrays(left.get(name), right.get(name)) for name in left.keys() | right.keys())


def _of_arrays(one: NDArray[np.generic] | None, other: NDArray[np.generic] | None) -> int:
    if one is None or other is None or (one.shape, one.dtype) != (other.shape, other.dtype):
        return 8 * max(array.nbytes for array in (one, other) if array is not None)
    left, right = (np.frombuffer(array.tobytes(), np.uint8) for array in (one, other))
    return int(np.unpackbits(left ^ right).sum())
