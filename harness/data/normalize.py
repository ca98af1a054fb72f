"""Stored numbers as networks read them, computed where the network is."""

from typing import Annotated

import torch
from pydantic import Field, PositiveFloat
from torch import Tensor

from harness.core.errors import DataError
from harness.core.spec import Spec

__all__ = ["Normalize"]


class Normalize(Spec):
    """(x / scale - mean) / std in float32, for inputs `[B, C, ...]` of any type.

    Inputs keep the type in which they are stored until they are on the device: bytes of images stay bytes.

    Attributes:
        scale: by which stored numbers are divided, such as 255 for bytes.
        mean: of each channel, or of all, after that.
        std: of each channel, or of all, after that.
    """

    scale: PositiveFloat = 1.0
    mean: Annotated[tuple[float, ...], Field(min_length=1)] = (0.0,)
    std: Annotated[tuple[PositiveFloat, ...], Field(min_length=1)] = (1.0,)

    def __call__(self, inputs: Tensor) -> Tensor:
        """Return `inputs` `[B, C, ...]` normalized; the given ones stay as they are.

        Raises:
            DataError: there are as many means or deviations as there are no channels.
        """
        # Of numbers of another type `float` returns a copy, which may be changed in place.
        scaled = inputs / self.scale if inputs.dtype == torch.float32 else inputs.float().div_(self.scale)
        return scaled.sub_(_per_channel(self.mean, scaled, "mean")).div_(_per_channel(self.std, scaled, "std"))


def _per_channel(values: tuple[float, ...], inputs: Tensor, name: str) -> Tensor | float:
    if len(values) == 1:
        return values[0]
    if inputs.dim() < 2 or inputs.shape[1] != len(values):
        raise DataError(
            f"expected one {name} for all channels or one for each, found {len(values)} for inputs "
            f"{tuple(inputs.shape[1:])}; channels come first"
        )
    return torch.tensor(values, device=inputs.device).view(-1, *[1] * (inputs.dim() - 2))
