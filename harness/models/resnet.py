"""Residual networks for small images."""

from collections import OrderedDict
from typing import Literal

from pydantic import PositiveInt, model_validator
from torch import Tensor, nn
from torch.nn import functional

from harness.models._base import AbstractModel

__all__ = ["ResNet", "ResidualBlock"]

Norm = Literal["batch", "group"]
BLOCKS = {20: (3, 3, 3), 18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}
CHANNELS = {20: (16, 32, 64), 18: (64, 128, 256, 512), 34: (64, 128, 256, 512)}


class ResNet(AbstractModel):
    """A residual network whose first convolution keeps the size of the image; each later stage halves it.

    Taps: `stem`; `stages.0`, ... and their blocks `stages.0.0`, ... give maps `[B, C, H, W]`; `pool` gives `[B, C]`.

    Source: He et al. (2016), Deep Residual Learning for Image Recognition, CVPR, arXiv:1512.03385.

    Attributes:
        depth: 20 is the paper's network for CIFAR, with 0.3 million parameters and shortcuts without any; 18 and 34 are
            its networks for ImageNet, with 11 and 21 million and projections, behind a convolution of 3 x 3.
        planes: of an image, such as 3 colors.
        norm: batch norm, or group norm, which knows no running statistics (arXiv 1803.08494).
        groups: of channels, in a group norm.
    """

    kind: Literal["resnet"] = "resnet"
    depth: Literal[18, 20, 34] = 20
    planes: PositiveInt = 3
    norm: Norm = "batch"
    groups: PositiveInt = 8

    @model_validator(mode="after")
    def _groups_divide(self) -> "ResNet":
        if self.norm == "group" and CHANNELS[self.depth][0] % self.groups:
            raise ValueError(f"groups: expected a divisor of {CHANNELS[self.depth][0]} channels, found {self.groups}")
        return self

    def build(self, outputs: int) -> nn.Module:
        """Return the network: images `[B, planes, H, W]` to `[B, outputs]`."""
        channels = CHANNELS[self.depth]
        stem = OrderedDict(
            conv=_convolution(self.planes, channels[0], 1), norm=self._norm(channels[0]), activation=nn.ReLU()
        )
        network = nn.Sequential(
            OrderedDict(
                stem=nn.Sequential(stem),
                stages=nn.Sequential(*map(self._stage, (channels[0], *channels), channels, BLOCKS[self.depth])),
                pool=nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
                output=nn.Linear(channels[-1], outputs),
            )
        )
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        return network

    def _stage(self, planes: int, channels: int, blocks: int) -> nn.Module:
        first = self._block(planes, channels)
        return nn.Sequential(first, *(self._block(channels, channels) for _ in range(blocks - 1)))

    def _block(self, planes: int, channels: int) -> "ResidualBlock":
        stride = 1 if planes == channels else 2
        shortcut: nn.Module = nn.Identity()
        if planes != channels and self.depth == 20:
            shortcut = PaddedShortcut(planes, channels, stride)
        elif planes != channels:
            conv = _convolution(planes, channels, stride, size=1)
            shortcut = nn.Sequential(OrderedDict(conv=conv, norm=self._norm(channels)))
        layers = OrderedDict(
            conv1=_convolution(planes, channels, stride),
            norm1=self._norm(channels),
            activation=nn.ReLU(),
            conv2=_convolution(channels, channels, 1),
            norm2=self._norm(channels),
        )
        return ResidualBlock(nn.Sequential(layers), shortcut)

    def _norm(self, channels: int) -> nn.Module:
        return nn.BatchNorm2d(channels) if self.norm == "batch" else nn.GroupNorm(self.groups, channels)


class ResidualBlock(nn.Module):
    """ReLU of the sum of a branch and a shortcut."""

    def __init__(self, branch: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.branch, self.shortcut, self.activation = branch, shortcut, nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        """Map `[B, C, H, W]` to `[B, C', H', W']`."""
        changed: Tensor = self.activation(self.branch(maps) + self.shortcut(maps))
        return changed


class PaddedShortcut(nn.Module):
    """Every `stride`-th pixel, and channels of zeros behind the others: the paper's option A."""

    def __init__(self, planes: int, channels: int, stride: int) -> None:
        super().__init__()
        self.more, self.stride = channels - planes, stride

    def forward(self, maps: Tensor) -> Tensor:
        """Map `[B, C, H, W]` to `[B, C + more, H / stride, W / stride]`."""
        return functional.pad(maps[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.more))


def _convolution(planes: int, channels: int, stride: int, size: int = 3) -> nn.Conv2d:
    # The norm's shift makes a bias superfluous.
    return nn.Conv2d(planes, channels, kernel_size=size, stride=stride, padding=size // 2, bias=False)
