"""A small convolutional network with batch norm and dropout."""

import math
from collections import OrderedDict
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveInt
from torch import nn

from harness.models._base import AbstractModel

__all__ = ["ConvNet"]


class ConvNet(AbstractModel):
    """Blocks of convolution, batch norm and ReLU, then a hidden layer; every block halves the image by its stride.

    Taps `blocks.0`, `blocks.1`, ... give maps `[B, C, H, W]`; `hidden` gives `[B, hidden]`.
    """

    kind: Literal["conv_net"] = "conv_net"
    image: tuple[PositiveInt, PositiveInt, PositiveInt]
    channels: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    hidden: PositiveInt = 64
    dropout: Annotated[NonNegativeFloat, Field(lt=1)] = 0.0

    def build(self, outputs: int) -> nn.Module:
        """Return the network: images `[B, C, H, W]` to `[B, outputs]`."""
        planes, height, width = self.image
        sizes = (planes, *self.channels)
        shrink = 2 ** len(self.channels)
        flat = self.channels[-1] * math.ceil(height / shrink) * math.ceil(width / shrink)
        hidden = OrderedDict(flatten=nn.Flatten(), linear=nn.Linear(flat, self.hidden), activation=nn.ReLU())
        if self.dropout:
            hidden["dropout"] = nn.Dropout(self.dropout)
        return nn.Sequential(
            OrderedDict(
                blocks=nn.Sequential(*map(_block, sizes[:-1], sizes[1:])),
                hidden=nn.Sequential(hidden),
                output=nn.Linear(self.hidden, outputs),
            )
        )


def _block(planes: int, channels: int) -> nn.Module:
    # The norm's shift makes a bias of the convolution superfluous.
    conv = nn.Conv2d(planes, channels, kernel_size=3, stride=2, padding=1, bias=False)
    norm = nn.BatchNorm2d(channels)
    return nn.Sequential(OrderedDict(conv=conv, norm=norm, activation=nn.ReLU()))
