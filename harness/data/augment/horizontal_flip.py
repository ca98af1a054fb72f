"""Images mirrored."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from harness.core.transfer import to_device
from harness.data.augment._base import AbstractAugmentation, check_images

__all__ = ["HorizontalFlip"]


class HorizontalFlip(AbstractAugmentation):
    """Exchange left and right of each image with the given probability."""

    kind: Literal["horizontal_flip"] = "horizontal_flip"
    probability: Annotated[float, Field(ge=0, le=1)] = 0.5

    def apply(self, inputs: Tensor, generator: torch.Generator) -> Tensor:
        """Return images `[B, C, H, W]`, some of them mirrored."""
        check_images(self, inputs)
        chosen = torch.rand(len(inputs), generator=generator) < self.probability
        return torch.where(to_device(chosen, inputs.device)[:, None, None, None], inputs.flip(3), inputs)
