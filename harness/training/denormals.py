"""Numbers below 1.2e-38, which many processors compute with ten to a hundred times as slowly as with others.

Adam's averages of what no longer has a gradient, such as units that a new task has silenced, fall to 6e-45 within some
hundred updates, and stay there.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from harness.core.errors import InputError

__all__ = ["are_denormals_flushed", "denormals_flushed"]

SMALLEST_USUAL = 2.2250738585072014e-308  # of 64 bits; processors have one setting for all types


def are_denormals_flushed() -> bool:
    """Return whether this thread computes 0 where a result is too small for the usual form."""
    return SMALLEST_USUAL / 2 == 0.0


@contextmanager
def denormals_flushed() -> Iterator[None]:
    """Let this thread compute 0 inside the block where a result is too small for the usual form.

    Raises:
        InputError: torch cannot ask this processor for it.
    """
    if not torch.set_flush_denormal(True):
        raise InputError(
            "training.flush_denormals: expected a processor that flushes denormal numbers to zero, found one that "
            "torch cannot ask for it; train with training.flush_denormals=false"
        )
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
