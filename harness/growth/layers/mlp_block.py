"""A residual block of two linear layers."""

from collections import OrderedDict
from typing import Annotated, Literal

import torch
from pydantic import Field, NonNegativeFloat, PositiveInt, model_validator
from torch import nn

from harness.growth.layers._base import AbstractLayer, check_varied, fill_layer, width_of
from harness.initializers import AbstractInitializer, KaimingUniform
from harness.models.head import ACTIVATIONS, Activation

__all__ = ["MLPBlock"]


class MLPBlock(AbstractLayer):
    """Layer norm, `width` hidden units, and back, for `[B, D]` or `[B, T, D]`.

    As a residual branch its last layer begins at zero; the hidden one does not, so both learn.
    """

    kind: Literal["mlp"] = "mlp"
    width: PositiveInt
    activation: Activation = "gelu"
    dropout: Annotated[NonNegativeFloat, Field(lt=1)] = 0.0
    init: AbstractInitializer = KaimingUniform()

    @model_validator(mode="after")
    def _can_learn(self) -> "MLPBlock":
        check_varied(self.init)
        return self

    def random(self, shape: torch.Size, generator: torch.Generator) -> nn.Module:
        """Return the block. Raises `SpecError` for maps."""
        features = width_of(shape, (2, 3), self.kind)
        parts = OrderedDict(
            norm=nn.LayerNorm(features),
            hidden=nn.Linear(features, self.width),
            activation=ACTIVATIONS[self.activation](),
            dropout=nn.Dropout(self.dropout),
            output=nn.Linear(self.width, features),
        )
        for name in ("hidden", "output"):
            fill_layer(parts[name], self.init, generator)
        return nn.Sequential(parts)

    def silence(self, layer: nn.Module) -> None:
        """Make the weights of the last layer zero."""
        nn.init.zeros_(layer.get_parameter("output.weight"))
