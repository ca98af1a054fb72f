"""Random streams of single examples, for code that draws from whatever generator it likes."""

import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch

from harness.core.seeding import nth_seed, stream_seed

__all__ = ["ItemStreams"]

T = TypeVar("T")


class ItemStreams:
    """Makes examples whose code draws from the global generators of torch, numpy and Python.

    What it draws is a function of (seed, step, index). Afterwards the generators stand where they stood, so that
    nothing else draws other numbers.

    Most code draws from torch's generator alone. To seed the others takes as long as a small transform, so they are
    seeded once an example was seen to draw from them; those of its batch are then made again.
    """

    def __init__(self) -> None:
        self._seeds_all = False

    def made(self, make: Callable[[int], T], indices: Sequence[int], seed: int, step: int) -> list[T]:
        """Return `make(index)` for each of `indices`."""
        before, torchs = _states(), torch.default_generator.get_state()
        try:
            items = self._made(make, indices, stream_seed(seed, "items", step), seeds_all=self._seeds_all)
            if not self._seeds_all and _differ(_states(), before):
                self._seeds_all = True
                items = self._made(make, indices, stream_seed(seed, "items", step), seeds_all=True)
        except BaseException:
            _put_back(before)
            raise
        finally:
            torch.default_generator.set_state(torchs)
        if self._seeds_all:
            _put_back(before)
        return items

    def _made(self, make: Callable[[int], T], indices: Sequence[int], first: int, *, seeds_all: bool) -> list[T]:
        items = []
        for index in indices:
            seed = nth_seed(first, index)
            torch.default_generator.manual_seed(seed)
            if seeds_all:
                np.random.seed(seed % 2**32)  # noqa: NPY002  # it is from this one that others draw
                random.seed(seed)
            items.append(make(index))
        return items


def _states() -> tuple[Any, Any]:
    return random.getstate(), np.random.get_state()  # noqa: NPY002


def _differ(one: tuple[Any, Any], other: tuple[Any, Any]) -> bool:
    return one[0] != other[0] or any(not np.array_equal(*pair) for pair in zip(one[1], other[1], strict=True))


def _put_back(states: tuple[Any, Any]) -> None:
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
