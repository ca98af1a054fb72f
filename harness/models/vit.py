"""A small vision transformer."""

from collections import OrderedDict
from typing import Annotated, Literal

import torch
from pydantic import Field, NonNegativeFloat, PositiveInt, model_validator
from torch import Tensor, nn

from harness.models._base import AbstractModel
from harness.models.transformer_block import TransformerBlock, start_like_gpt2

__all__ = ["ViT"]


class ViT(AbstractModel):
    """An image is cut into square patches, and a transformer reads them as a sequence.

    Taps `patches`, `blocks.0`, `blocks.1`, ... and `norm` give `[B, T, width]`; `pool` gives `[B, width]`.

    Source: Dosovitskiy et al. (2021), An Image is Worth 16x16 Words, ICLR, arXiv:2010.11929; the mean over patches in
    the place of a token of its own as in arXiv:2205.01580.

    Attributes:
        image: planes, height and width.
        patch: pixels of a side of a patch; it divides height and width.
        width: features of a patch.
        depth: blocks.
        heads: of attention; they divide the width.
        pool: what the output layer reads: the mean of all patches, or a token in front of them.
    """

    kind: Literal["vit"] = "vit"
    image: tuple[PositiveInt, PositiveInt, PositiveInt]
    patch: PositiveInt = 4
    width: PositiveInt = 128
    depth: PositiveInt = 6
    heads: PositiveInt = 4
    dropout: Annotated[NonNegativeFloat, Field(lt=1)] = 0.0
    pool: Literal["mean", "token"] = "mean"

    @model_validator(mode="after")
    def _sizes_fit(self) -> "ViT":
        if self.image[1] % self.patch or self.image[2] % self.patch:
            raise ValueError(f"patch: expected one that divides an image of {self.image[1:]}, found {self.patch}")
        if self.width % self.heads:
            raise ValueError(f"heads: expected a divisor of the width {self.width}, found {self.heads}")
        return self

    def build(self, outputs: int) -> nn.Module:
        """Return the network: images `[B, planes, H, W]` to `[B, outputs]`."""
        blocks = [TransformerBlock(self.width, self.heads, dropout=self.dropout) for _ in range(self.depth)]
        network = nn.Sequential(
            OrderedDict(
                patches=Patches(self.image, self.patch, self.width, token=self.pool == "token"),
                blocks=nn.Sequential(*blocks),
                norm=nn.LayerNorm(self.width),
                pool=FirstPosition() if self.pool == "token" else MeanOfPositions(),
                output=nn.Linear(self.width, outputs),
            )
        )
        start_like_gpt2(network, self.depth)
        return network


class Patches(nn.Module):
    """Patches of an image, each mapped to features, to which those of its place are added."""

    def __init__(self, image: tuple[int, int, int], patch: int, width: int, *, token: bool) -> None:
        super().__init__()
        planes, height, side = image
        count = (height // patch) * (side // patch)
        self.project = nn.Conv2d(planes, width, kernel_size=patch, stride=patch)
        self.token = nn.Parameter(torch.zeros(1, 1, width)) if token else None
        self.places = nn.Parameter(torch.zeros(1, count + int(token), width))

    def forward(self, images: Tensor) -> Tensor:
        """Map `[B, planes, H, W]` to `[B, T, width]`."""
        patches = self.project(images).flatten(2).transpose(1, 2)
        if self.token is not None:
            patches = torch.cat([self.token.expand(len(patches), -1, -1), patches], dim=1)
        placed: Tensor = patches + self.places
        return placed


class MeanOfPositions(nn.Module):
    """The mean over positions."""

    def forward(self, features: Tensor) -> Tensor:
        """Map `[B, T, D]` to `[B, D]`."""
        return features.mean(dim=1)


class FirstPosition(nn.Module):
    """The first position."""

    def forward(self, features: Tensor) -> Tensor:
        """Map `[B, T, D]` to `[B, D]`."""
        return features[:, 0]
