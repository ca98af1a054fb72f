"""Images shifted by a few pixels."""

from typing import Literal

import torch
from pydantic import PositiveInt
from torch import Tensor
from torch.nn import functional

from harness.core.transfer import to_device
from harness.data.augment._base import AbstractAugmentation, check_images

__all__ = ["RandomShift"]


class RandomShift(AbstractAugmentation):
    """Shift each image by up to `pixels` in each direction; zeros move in (arXiv 1512.03385, section 4.2)."""

    kind: Literal["random_shift"] = "random_shift"
    pixels: PositiveInt = 2

    def apply(self, inputs: Tensor, generator: torch.Generator) -> Tensor:
        """Return shifted images `[B, C, H, W]`."""
        check_images(self, inputs)
        count, _, height, width = inputs.shape
        corners = to_device(torch.randint(2 * self.pixels + 1, (count, 2), generator=generator), inputs.device)
        rows = corners[:, 0, None] + torch.arange(height, device=inputs.device)
        columns = corners[:, 1, None] + torch.arange(width, device=inputs.device)
        # With the channels last, one index takes for each image its own rows and columns.
        padded = functional.pad(inputs, [self.pixels] * 4).permute(0, 2, 3, 1)
        examples = torch.arange(count, device=inputs.device)[:, None, None]
        return padded[examples, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()
