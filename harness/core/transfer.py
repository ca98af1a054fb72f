"""From the CPU to a device."""

import torch
from torch import Tensor

__all__ = ["to_device"]


def to_device(values: Tensor, device: torch.device) -> Tensor:
    """Return `values`, which lie on the CPU, on `device`; a copy to a GPU is only begun, and nobody waits for it."""
    if device.type != "cuda":
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)
