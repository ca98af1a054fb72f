"""Random streams of single examples, for code that draws from whatever generator it likes."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch

from harness.core.seeding import nth_seed, stream_seed

__all__ = ["item_streams"]


@contextmanager
def item_streams(seed: int, step: int) -> Iterator[Callable[[int], None]]:
    """Let the block draw from the global generators of torch, numpy and Python as functions of (seed, step, index).

    It gets a function that puts them to the beginning of the stream of the example `index`. Afterwards they stand where
    they stood, so that nothing else draws other numbers.
    """
    first = stream_seed(seed, "items", step)
    before = random.getstate(), np.random.get_state(), torch.default_generator.get_state()  # noqa: NPY002  # of others

    def begin(index: int) -> None:
        value = nth_seed(first, index)
        torch.default_generator.manual_seed(value)
        random.seed(value)
        np.random.seed(value % 2**32)  # noqa: NPY002

    try:
        yield begin
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
        torch.default_generator.set_state(before[2])
