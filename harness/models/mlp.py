"""A multilayer perceptron."""

from collections import OrderedDict
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveInt
from torch import nn

from harness.models._base import AbstractModel
from harness.models.head import ACTIVATIONS, Activation

__all__ = ["MLP"]


class MLP(AbstractModel):
    """`inputs` -> `widths` with an activation after each -> outputs; taps `hidden.0`, `hidden.1`, ..., `output`."""

    kind: Literal["mlp"] = "mlp"
    inputs: PositiveInt
    widths: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    activation: Activation = "relu"
    dropout: Annotated[NonNegativeFloat, Field(lt=1)] = 0.0

    def build(self, outputs: int) -> nn.Module:
        """Return the network: `[B, ...]`, flattened to `[B, inputs]`, to `[B, outputs]`."""
        sizes = (self.inputs, *self.widths)
        hidden = nn.Sequential(*map(self._layer, sizes[:-1], sizes[1:]))
        output = nn.Linear(sizes[-1], outputs)
        return nn.Sequential(OrderedDict(flatten=nn.Flatten(), hidden=hidden, output=output))

    def _layer(self, inputs: int, units: int) -> nn.Module:
        parts = OrderedDict(linear=nn.Linear(inputs, units), activation=ACTIVATIONS[self.activation]())
        if self.dropout:
            parts["dropout"] = nn.Dropout(self.dropout)
        return nn.Sequential(parts)
