"""Keeping torch's compiler out of processes that compile nothing."""

from collections.abc import Callable
from typing import Any

from torch.optim import Optimizer

__all__ = ["spare_compiler"]

OF_OPTIMIZERS = (Optimizer.add_param_group, Optimizer.zero_grad, Optimizer.state_dict, Optimizer.load_state_dict)
MARK = "__dynamo_disable"


def spare_compiler(*functions: Callable[..., Any]) -> None:
    """Let `functions` be called without loading torch's compiler, which takes more than a second of processor time.

    Some functions of torch load the compiler at their first call, to say that they are not to be compiled. That is kept
    beside the function, where it stands now from the start: nothing here compiles an optimizer or a dispatch mode.
    """
    for function in functions or OF_OPTIMIZERS:
        plain = getattr(function, "__wrapped__", None)
        if plain is not None and not hasattr(plain, MARK):
            setattr(plain, MARK, plain)
