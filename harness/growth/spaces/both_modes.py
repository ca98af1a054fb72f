"""Units that are read in train mode alone, as by an auxiliary classifier, are found in a second search."""

from collections.abc import Callable

import torch

from harness.core.errors import InputError
from harness.growth.record import Growth
from harness.growth.spaces.proof import TrainModeError
from harness.models.train_view import train_view

__all__ = ["in_either_mode"]


def in_either_mode(generator: torch.Generator, operate: Callable[[], Growth]) -> Growth:
    """Return what `operate` returns, which finds readers in eval mode; if they do not suffice, in train mode.

    Args:
        generator: of `operate`, which draws the same values both times.
        operate: changes nothing if it raises.

    Raises:
        TrainModeError: neither mode shows all readers.
    """
    before = generator.get_state()
    try:
        return operate()
    except TrainModeError as error:
        generator.set_state(before)
        try:
            with train_view():
                return operate()
        except InputError:
            raise error from None
