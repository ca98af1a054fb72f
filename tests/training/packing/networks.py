"""Networks of somebody's own code, which packs have no rules for."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.models import AbstractModel


class Residual(nn.Module):
    """Adds what a layer makes of its inputs, in a way that no container of torch knows."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.layer, self.dropout = nn.LayerNorm(width), nn.Linear(width, width), nn.Dropout(0.2)

    def forward(self, inputs: Tensor) -> Tensor:
        changed: Tensor = self.dropout(torch.tanh(self.layer(self.norm(inputs))))
        return inputs + changed


class Pictures(nn.Module):
    """Convolves a map, and keeps running statistics of it."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.norm = nn.Conv2d(1, 1, 3, padding=1), nn.BatchNorm2d(1)

    def forward(self, inputs: Tensor) -> Tensor:
        read = inputs.view(-1, 1, 3, 3)
        return (read + functional.relu(self.norm(self.layer(read)))).flatten(1)


class Attention(nn.Module):
    """Lets three tokens see each other."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(3, 1, 5, 0.1, batch_first=True)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layer(inputs.view(-1, 3, 3)).flatten(1)  # type: ignore[no-any-return]


class Branches(nn.Module):
    """A network of somebody's own code."""

    def __init__(self, parts: list[nn.Module], outputs: int) -> None:
        super().__init__()
        self.first, self.parts, self.last = nn.Linear(64, 9), nn.ModuleList(parts), nn.Linear(9, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = functional.silu(self.first(inputs.flatten(1)))
        for part in self.parts:
            hidden = part(hidden)
        outputs: Tensor = self.last(hidden)
        return outputs * torch.sigmoid(hidden.mean(1, keepdim=True))


PARTS = {"residual": lambda: Residual(9), "pictures": Pictures, "attention": Attention}


class AnyCode(AbstractModel):
    """Parts of somebody's own code, in a network of such code or in a row."""

    kind: Literal["test_packed_any_code"] = "test_packed_any_code"
    parts: tuple[str, ...]

    def build(self, outputs: int) -> nn.Module:
        if self.parts == ("row",):
            row = [nn.Linear(64, 9), Residual(9), nn.Linear(9, outputs)]
            return nn.Sequential(nn.Flatten(), *row)
        return Branches([PARTS[part]() for part in self.parts], outputs)


class Noisy(nn.Module):
    """Adds noise of the global stream."""

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs + 0.1 * torch.randn_like(inputs) if self.training else inputs


class OwnModel(AbstractModel):
    """A network with a layer that no rule knows, or that uses layers twice."""

    kind: Literal["test_packed_own"] = "test_packed_own"
    layer: Literal["noise", "function", "shared"]

    def build(self, outputs: int) -> nn.Module:
        first, twice, activation = nn.Linear(64, 8), nn.Linear(8, 8), nn.ReLU()
        if self.layer == "shared":
            layers = [nn.Flatten(), first, activation, twice, activation, twice, activation, nn.Linear(8, outputs)]
            return nn.Sequential(*layers)
        own = Noisy() if self.layer == "noise" else nn.GLU()
        return nn.Sequential(nn.Flatten(), first, own, nn.Linear(8 if self.layer == "noise" else 4, outputs))
