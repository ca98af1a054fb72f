"""A residual block of self-attention."""

from typing import Annotated, Literal

import torch
from pydantic import Field, NonNegativeFloat, PositiveInt, model_validator
from torch import nn

from harness.core.errors import SpecError
from harness.growth.layers._base import AbstractLayer, check_varied, fill_layer, width_of
from harness.initializers import AbstractInitializer, LayerContext, XavierUniform, fill
from harness.models.attention import SelfAttention

__all__ = ["AttentionBlock"]


class AttentionBlock(AbstractLayer):
    """Layer norm and self-attention of `heads` heads, for sequences `[B, T, D]`.

    As a residual branch its output projection begins at zero. Set `causal` in networks in which a position must not see
    later ones; the inserted layer would let it see them otherwise.
    """

    kind: Literal["attention"] = "attention"
    heads: PositiveInt = 1
    causal: bool = False
    dropout: Annotated[NonNegativeFloat, Field(lt=1)] = 0.0
    init: AbstractInitializer = XavierUniform()

    @model_validator(mode="after")
    def _can_learn(self) -> "AttentionBlock":
        check_varied(self.init)
        return self

    def random(self, shape: torch.Size, generator: torch.Generator) -> nn.Module:
        """Return the block. Raises `SpecError` for what is no sequence, or if `heads` does not divide D."""
        width = width_of(shape, (3,), self.kind)
        if width % self.heads:
            raise SpecError(f"expected heads to divide the {width} features of {list(shape)}, found heads={self.heads}")
        block = SelfAttention(width, self.heads, dropout=self.dropout, causal=self.causal)
        for rows in block.attention.in_proj_weight.detach().chunk(3):  # queries, keys, values: one matrix each
            fill(rows, self.init, LayerContext(width, width), generator=generator)
        fill_layer(block.attention.out_proj, self.init, generator)
        return block

    def silence(self, layer: nn.Module) -> None:
        """Make the output projection zero."""
        nn.init.zeros_(layer.get_parameter("attention.out_proj.weight"))
