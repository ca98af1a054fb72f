"""Tensors in memory that are normalized on the device, batch by batch."""

from functools import cached_property

import torch
from torch import Tensor

from harness.core.inputs import Inputs
from harness.data.normalize import Normalize
from harness.data.sources._base import NO_STEP, AbstractSource
from harness.data.sources.digests import digest_of_tensor

__all__ = ["InMemory"]


class InMemory(AbstractSource):
    """A tensor `[N, ...]` in the type in which it is stored, such as the bytes of images.

    Inputs that a network reads as they are need no source: give the tensor itself.

    Args:
        tensor: `[N, ...]`; it moves to the device as it is.
        normalize: computed for each batch.
    """

    in_memory = True

    def __init__(self, tensor: Tensor, normalize: Normalize) -> None:
        self._tensor, self.normalize = tensor, normalize

    def __len__(self) -> int:
        return len(self._tensor)

    def read(self, indices: Tensor) -> Inputs:
        """Return rows of the tensor."""
        return self._tensor[indices.to(self._tensor.device)].cpu()

    def batch(self, indices: Tensor, device: torch.device, *, seed: int = 0, step: int = NO_STEP) -> Inputs:
        """Return rows, normalized where the tensor is."""
        del seed, step
        return self.finish(self._tensor[indices.to(self._tensor.device)], device)

    def to(self, device: torch.device) -> AbstractSource:
        """Return the source with its tensor on `device`."""
        assert self.normalize is not None
        return self if self._tensor.device == device else InMemory(self._tensor.to(device), self.normalize)

    @cached_property
    def digest(self) -> str:
        """A digest of all values."""
        return digest_of_tensor(self._tensor)
