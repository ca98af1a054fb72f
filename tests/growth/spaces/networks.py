"""Networks of which layers cannot be widened one at a time."""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional


class ResidualBlock(nn.Module):
    """Two convolutions, and a third where the shortcut changes the number of channels."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.one = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.one_norm = nn.BatchNorm2d(outputs)
        self.two = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.two_norm = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, maps: Tensor) -> Tensor:
        inner = functional.relu(self.one_norm(self.one(maps)))
        return functional.relu(self.shortcut(maps) + self.two_norm(self.two(inner)))


class ResNet(nn.Module):
    """Two stages of two blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.first = nn.Sequential(ResidualBlock(8, 8), ResidualBlock(8, 8))
        self.second = nn.Sequential(ResidualBlock(8, 12, 2), ResidualBlock(12, 12))
        self.output = nn.Linear(12, 3)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.second(self.first(functional.relu(self.norm(self.stem(images)))))
        logits: Tensor = self.output(maps.mean((2, 3)))
        return logits


class UNet(nn.Module):
    """One level down and up again; the last convolution reads both."""

    def __init__(self, norm: Callable[[int], nn.Module] = nn.BatchNorm2d) -> None:
        super().__init__()
        self.down, self.down_norm = nn.Conv2d(3, 6, 3, padding=1), norm(6)
        self.low = nn.Conv2d(6, 8, 3, padding=1)
        self.up = nn.ConvTranspose2d(8, 6, 2, 2)
        self.joined, self.joined_norm = nn.Conv2d(12, 4, 3, padding=1), norm(4)
        self.output = nn.Conv2d(4, 2, 1)

    def forward(self, images: Tensor) -> Tensor:
        high = functional.relu(self.down_norm(self.down(images)))
        low = self.up(functional.relu(self.low(functional.max_pool2d(high, 2))))
        maps: Tensor = self.output(functional.relu(self.joined_norm(self.joined(torch.cat([high, low], 1)))))
        return maps


class DenseNet(nn.Module):
    """Each convolution reads what all before it wrote."""

    def __init__(self) -> None:
        super().__init__()
        widths = [3, 6, 10, 14]
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in widths[1:])
        self.convs = nn.ModuleList(nn.Conv2d(a, b - a, 3, padding=1) for a, b in pairwise(widths[1:]))
        self.output = nn.Linear(14, 3)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.stem(images)
        for norm, conv in zip(self.norms, self.convs, strict=False):
            maps = torch.cat([maps, conv(functional.relu(norm(maps)))], 1)
        logits: Tensor = self.output(functional.relu(self.norms[-1](maps)).mean((2, 3)))
        return logits


class Inverted(nn.Module):
    """MobileNet's block: a depthwise convolution, and a gate that depends on all channels."""

    def __init__(self) -> None:
        super().__init__()
        self.expand, self.norm = nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8)
        self.depthwise = nn.Conv2d(8, 8, 3, 2, 1, groups=8)
        self.squeeze, self.excite = nn.Conv2d(8, 2, 1), nn.Conv2d(2, 8, 1)
        self.project, self.output = nn.Conv2d(8, 6, 1), nn.Linear(6, 3)

    def forward(self, images: Tensor) -> Tensor:
        maps = functional.relu6(self.depthwise(functional.relu6(self.norm(self.expand(images)))))
        gate = torch.sigmoid(self.excite(functional.relu(self.squeeze(maps.mean((2, 3), keepdim=True)))))
        logits: Tensor = self.output(self.project(maps * gate).mean((2, 3)))
        return logits


class Grouped(nn.Module):
    """ResNeXt's convolution in groups, and a norm in groups."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.grouped = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 3, padding=1, groups=4)
        self.norm, self.after, self.output = nn.GroupNorm(4, 8), nn.Conv2d(8, 6, 1), nn.Linear(6, 3)

    def forward(self, images: Tensor) -> Tensor:
        maps = functional.relu(self.norm(self.grouped(functional.relu(self.before(images)))))
        logits: Tensor = self.output(self.after(maps).mean((2, 3)))
        return logits


class Decoder(nn.Module):
    """A transformer written by hand, with norms before its layers."""

    def __init__(self, norm: Callable[[int], nn.Module] = nn.LayerNorm, width: int = 8) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(20, width), nn.Embedding(7, width)
        self.norm, self.qkv, self.out = norm(width), nn.Linear(width, 24), nn.Linear(8, width)
        self.second_norm, self.up, self.down = norm(width), nn.Linear(width, 16), nn.Linear(16, width)
        self.last_norm, self.output = norm(width), nn.Linear(width, 20)

    def forward(self, tokens: Tensor) -> Tensor:
        features = self.tokens(tokens) + self.places(torch.arange(tokens.shape[1]))
        q, k, v = self.qkv(self.norm(features)).unflatten(-1, (3, -1, 4)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        features = features + self.out(mixed.transpose(1, 2).flatten(2))
        features = features + self.down(functional.gelu(self.up(self.second_norm(features))))
        logits: Tensor = self.output(self.last_norm(features))
        return logits


class Volumes(nn.Module):
    """A convolution and a transposed one of any number of dimensions."""

    def __init__(self, conv: type[nn.Module], transposed: type[nn.Module], middle: nn.Module) -> None:
        super().__init__()
        self.first, self.middle = conv(3, 6, 3, padding=1), middle
        self.up, self.last = transposed(6, 5, 2, 2), conv(5, 2, 1)

    def forward(self, volumes: Tensor) -> Tensor:
        maps: Tensor = self.last(functional.relu(self.up(self.middle(self.first(volumes)))))
        return maps.flatten(2).mean(2)


class Words(nn.Module):
    """A linear layer that reads the embeddings of all places, one after another."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.hidden, self.output = nn.Embedding(20, 6), nn.Linear(42, 5), nn.Linear(5, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.output(functional.relu(self.hidden(self.words(tokens).flatten(1))))
        return logits


class ChannelsLast(nn.Module):
    """A linear layer that reads maps, channel after channel at each place."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.output = nn.Conv2d(3, 4, 3), nn.Linear(4 * 36, 2)

    def forward(self, images: Tensor) -> Tensor:
        maps = functional.relu(self.conv(images))
        logits: Tensor = self.output(maps.permute(0, 2, 3, 1).flatten(1))
        return logits


class Gated(nn.Module):
    """Two factors, of one layer or of two."""

    def __init__(self, *, one_layer: bool) -> None:
        super().__init__()
        self.gate, self.down = nn.Linear(6, 16 if one_layer else 8), nn.Linear(8, 3)
        self.up = None if one_layer else nn.Linear(6, 8)

    def forward(self, inputs: Tensor) -> Tensor:
        gate = self.gate(inputs)
        features = functional.glu(gate) if self.up is None else functional.silu(gate) * self.up(inputs)
        logits: Tensor = self.down(features) if inputs.shape[0] > 0 else features  # not for torch.fx
        return logits


class Normed(nn.Module):
    """A norm that takes the mean over the units."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.norm, self.output = nn.Linear(6, 8), nn.LayerNorm(8), nn.Linear(8, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.output(functional.relu(self.norm(self.hidden(inputs))))
        return logits


class Recurrent(nn.Module):
    """A linear layer that an LSTM reads."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.lstm, self.output = nn.Linear(6, 8), nn.LSTM(8, 8, batch_first=True), nn.Linear(8, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.output(self.lstm(torch.relu(self.inner(inputs)))[0][:, -1])
        return logits


class Checked(nn.Module):
    """Cannot be called with values that are made up."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.output = nn.Linear(6, 8), nn.Linear(8, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = self.hidden(inputs)
        if not torch.allclose(hidden[:, 0], inputs @ self.hidden.weight[0] + self.hidden.bias[0], atol=1e-5):
            raise ValueError("expected what the layer computes")
        logits: Tensor = self.output(torch.relu(hidden))
        return logits
