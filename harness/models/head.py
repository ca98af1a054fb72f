"""A head: pools the features of a tap, and maps them to one output."""

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

__all__ = ["ACTIVATIONS", "Activation", "Head", "feature_count", "linear_layers", "pooled"]

Activation = Literal["relu", "gelu", "tanh"]
ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh}


def pooled(features: Tensor) -> Tensor:
    """Return `[B, F]`: maps `[B, F, H, W]` are averaged over space, sequences `[B, T, F]` over time."""
    if features.dim() == 3:
        return features.mean(dim=1)
    return features.flatten(2).mean(dim=2) if features.dim() > 3 else features


def feature_count(shape: torch.Size) -> int:
    """Return F, the number of features that `pooled` returns for features of `shape` `[B, ...]`."""
    return shape[-1] if len(shape) == 3 else shape[1]


class Head(nn.Module):
    """Pooling, then hidden layers of `widths[1:-1]` units with an activation, then `widths[-1]` outputs.

    Args:
        widths: features, hidden units of each layer, outputs.
        activation: after each hidden layer.
        dropout: the fraction of hidden units dropped in training.
        stop_gradient: whether the gradient of its outputs stops at the tap.
    """

    def __init__(
        self,
        widths: tuple[int, ...],
        activation: Activation = "relu",
        dropout: float = 0.0,
        *,
        stop_gradient: bool = False,
    ) -> None:
        super().__init__()
        self.stop_gradient = stop_gradient
        self.layers = nn.Sequential()
        for inputs, outputs in pairwise(widths[:-1]):
            self.layers.append(nn.Linear(inputs, outputs))
            self.layers.append(ACTIVATIONS[activation]())
            if dropout:
                self.layers.append(nn.Dropout(dropout))
        self.output = nn.Linear(widths[-2], widths[-1])

    def forward(self, features: Tensor) -> Tensor:
        """Map features `[B, F, ...]` to `[B, outputs]`."""
        read = features.detach() if self.stop_gradient else features
        logits: Tensor = self.output(self.layers(pooled(read)))
        return logits


def linear_layers(head: nn.Module) -> list[nn.Linear]:
    """Return the linear layers of `head`, from the features to the output."""
    return [module for module in head.modules() if isinstance(module, nn.Linear)]
