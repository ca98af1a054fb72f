"""Looking at a network without leaving a trace: eval mode, and everything put back afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from harness.core.errors import ModulePathError
from harness.models.call import tensors_in
from harness.models.train_view import in_train_view, with_train_view

__all__ = ["eval_mode", "gpus_of", "without_side_effects"]


@contextmanager
def eval_mode(model: nn.Module) -> Iterator[None]:
    """Put `model` into eval mode, and every module back into the mode that it was in; but see `train_view`."""
    # Not by `eval` and `training = ...`: modules look every assignment up, which takes longer than a small layer.
    shown = [(module, in_train_view(module, model)) for module in model.modules()]
    changed = [(vars(module), training) for module, training in shown if module.training != training]
    try:
        for mode, training in changed:
            mode["training"] = training
        yield
    finally:
        for mode, training in changed:
            mode["training"] = not training


@contextmanager
def without_side_effects(model: nn.Module, inputs: Any) -> Iterator[None]:
    """Let the block call `model` with the batch `inputs` in eval mode, or as `train_view` shows it, without gradients.

    Afterwards all modes are as they were, and so are the random streams of the CPU and of every GPU in use.

    Raises:
        ModulePathError: a lazy layer waits for its first inputs, which would make its weights.
    """
    if lazy := [name for name, parameter in model.named_parameters() if is_lazy(parameter)]:
        raise ModulePathError(f"expected weights at {lazy[0]!r}, found a lazy layer without; run the network once")
    devices = {*gpus_of(model), *(tensor.device for tensor in tensors_in(inputs) if tensor.device.type == "cuda")}
    # What is computed in inference mode could never be trained.
    trained = torch.inference_mode(mode=False)
    streams = torch.random.fork_rng(devices=list(devices))
    with eval_mode(model), streams, trained, torch.no_grad(), with_train_view(model):
        yield


def gpus_of(model: nn.Module) -> list[torch.device]:
    """Return the GPUs that `model` is on, whose generators its modules draw from."""
    return list({parameter.device for parameter in model.parameters() if parameter.device.type == "cuda"})
