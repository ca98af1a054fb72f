"""Models whose `forward` Accelerate has replaced by one under autocast."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

__all__ = ["plain_forward"]


@contextmanager
def plain_forward(model: nn.Module) -> Iterator[None]:
    """Let the block call `model` in the precision of its weights.

    Under Accelerate's mixed precision features have 16 bits and weights 32: new layers would take the type of the
    features, and a traced network would compute other values.
    """
    held = vars(model)
    replaced = held.pop("forward", None) if "_original_forward" in held else None
    try:
        yield
    finally:
        if replaced is not None:
            held["forward"] = replaced
