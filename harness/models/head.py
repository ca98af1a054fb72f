"""A head: pools the features of a tap, and maps them to one output."""

from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from harness.models.pooling import Pool, pooled

__all__ = ["ACTIVATIONS", "Activation", "Head", "linear_layers"]

Activation = Literal["relu", "gelu", "tanh"]
ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh}


class Head(nn.Module):
    """Pooling, then hidden layers of `widths[1:-1]` units with an activation, then `widths[-1]` outputs.

    Args:
        widths: features, hidden units of each layer, outputs.
        activation: after each hidden layer.
        dropout: the fraction of hidden units dropped in training.
        stop_gradient: whether the gradient of its outputs stops at the tap.
        pool: how positions become one row.
        layout: of the features, if it is not that of `standard_layout`.
        mask: the entry of the batch that says which positions are real, if the batch has it; see `mask_in`.
        call: which output it reads of a tap that is called more than once: 0 is the first, -1 the last.
    """

    # Also of heads that were pickled before there was a choice.
    pool: Pool = "mean"
    layout: str | None = None
    mask: str | None = "attention_mask"
    call: int | None = None

    def __init__(
        self,
        widths: tuple[int, ...],
        activation: Activation = "relu",
        dropout: float = 0.0,
        *,
        stop_gradient: bool = False,
        pool: Pool = "mean",
        layout: str | None = None,
        mask: str | None = "attention_mask",
        call: int | None = None,
    ) -> None:
        super().__init__()
        self.stop_gradient = stop_gradient
        self.pool, self.layout, self.mask, self.call = pool, layout, mask, call
        self.layers = nn.Sequential()
        for inputs, outputs in pairwise(widths[:-1]):
            self.layers.append(nn.Linear(inputs, outputs))
            self.layers.append(ACTIVATIONS[activation]())
            if dropout:
                self.layers.append(nn.Dropout(dropout))
        self.output = nn.Linear(widths[-2], widths[-1])

    def forward(self, features: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map features `[B, F]`, or with positions, of which `mask` `[B, T]` says which are real, to `[B, outputs]`."""
        read = features.detach() if self.stop_gradient else features
        logits: Tensor = self.output(self.layers(pooled(read, self.pool, self.layout, mask)))
        return logits


def linear_layers(head: nn.Module) -> list[nn.Linear]:
    """Return the linear layers of `head`, from the features to the output."""
    return [module for module in head.modules() if isinstance(module, nn.Linear)]
