"""Looking at a network without leaving a trace."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

__all__ = ["quiet"]


@contextmanager
def quiet(model: nn.Module, inputs: Tensor) -> Iterator[None]:
    """Let the block call `model` with `inputs` in eval mode, without gradients; then put modes and streams back."""
    modes = {module: module.training for module in model.modules()}
    devices = [inputs.device] if inputs.device.type == "cuda" else []
    model.eval()
    try:
        with torch.random.fork_rng(devices=devices), torch.no_grad():
            yield
    finally:
        for module, training in modes.items():
            module.training = training
