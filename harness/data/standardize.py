"""Standardized numbers: mean 0 and variance 1, unless they are constant."""

from torch import Tensor

from harness.core.outputs import Scale

__all__ = ["is_constant", "scale_of"]

LAST_DIGITS = 8  # so many units in the last place are how numbers came about, not what they say


def scale_of(values: Tensor, resolution: float) -> Scale:
    """Return mean and standard deviation of float64 `values`; of constant ones one of them, and 1."""
    if is_constant(values, resolution):
        return Scale(values.median().item(), 1.0)  # the mean of large equal numbers need not be equal to them
    return Scale(values.mean().item(), values.std(correction=0).item())


def is_constant(values: Tensor, resolution: float) -> bool:
    """Return whether `values` differ by no more than rounding.

    It also gives equal numbers a standard deviation, which must not be divided by.

    Args:
        values: float64, of any shape.
        resolution: of the type in which they were stored, relative to their size, such as 2.2e-16.
    """
    reach = (values.max() - values.min()).item()
    return reach <= LAST_DIGITS * resolution * values.abs().max().item()
