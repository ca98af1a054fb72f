"""Whether a model can grow here and now, by whichever operation."""

import torch
from torch import nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from harness.core.errors import SurgeryError

__all__ = ["check_growable"]


def check_growable(model: nn.Module) -> None:
    """Check that new tensors of `model` would be such as can be trained.

    Raises:
        SurgeryError: they would be made for inference alone or be copied to 16 bits, or it has tensors without shape or
            values itself.
    """
    if torch.is_inference_mode_enabled():
        raise SurgeryError(
            "expected to grow outside inference mode, in which tensors are made that cannot be trained; leave it "
            "before growing, or use torch.no_grad() instead"
        )
    for name, parameter in model.named_parameters():
        _check_tensor(name, parameter)
    for name, buffer in model.named_buffers():
        _check_tensor(name, buffer)
    if any(torch.is_autocast_enabled(device) for device in {parameter.device.type for parameter in model.parameters()}):
        # Autocast keeps 16-bit copies of weights, which would be those from before the growth.
        raise SurgeryError("expected to grow outside autocast, found an autocast region; leave it before growing")


def _check_tensor(name: str, tensor: torch.Tensor) -> None:
    if isinstance(tensor, UninitializedBuffer | UninitializedParameter):
        raise SurgeryError(
            f"expected every tensor to have a shape, found the lazy {name!r}; run the network once before"
        )
    if tensor.is_meta:
        raise SurgeryError(f"expected every tensor to have values, found {name!r} on the meta device; load them before")
    if isinstance(tensor, nn.Parameter) and tensor.is_inference():
        raise SurgeryError(
            f"expected tensors that can be trained, found {name!r}, made in inference mode; build or load the model "
            "outside of it"
        )
