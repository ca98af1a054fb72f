"""Inputs with noise."""

from typing import Literal

import torch
from pydantic import NonNegativeFloat
from torch import Tensor

from harness.core.errors import DataError
from harness.core.transfer import to_device
from harness.data.augment._base import AbstractAugmentation

__all__ = ["GaussianNoise"]


class GaussianNoise(AbstractAugmentation):
    """Add noise of standard deviation `std` to every number; inputs may have any shape."""

    kind: Literal["gaussian_noise"] = "gaussian_noise"
    std: NonNegativeFloat = 0.1

    def apply(self, inputs: Tensor, generator: torch.Generator) -> Tensor:
        """Return `inputs` `[B, ...]` with noise."""
        if not inputs.is_floating_point():
            raise DataError(f"expected inputs that are real numbers for 'gaussian_noise', found {inputs.dtype}")
        noise = torch.randn(inputs.shape, generator=generator)
        return inputs + self.std * to_device(noise.to(inputs.dtype), inputs.device)
