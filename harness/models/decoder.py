"""A transformer that predicts the next token of a sequence."""

from collections import OrderedDict
from functools import partial
from typing import Annotated, Literal

import torch
from pydantic import Field, NonNegativeFloat, PositiveInt, model_validator
from torch import Tensor, nn

from harness.models._base import AbstractModel
from harness.models.transformer_block import TransformerBlock, start_like_gpt2

__all__ = ["Decoder"]


class Decoder(AbstractModel):
    """A decoder as GPT-2's: each position sees those up to it, and has one logit for each token that may come next.

    Taps `embedding`, `blocks.0`, `blocks.1`, ... and `norm` give `[B, T, width]`.

    Source: Radford et al. (2019), Language Models are Unsupervised Multitask Learners.

    Attributes:
        context: the longest sequence.
        width: features of a position.
        depth: blocks.
        heads: of attention; they divide the width.
        tied: whether a token has one row of weights, by which it is read and predicted (arXiv 1608.05859).
    """

    kind: Literal["decoder"] = "decoder"
    context: PositiveInt
    width: PositiveInt = 128
    depth: PositiveInt = 4
    heads: PositiveInt = 4
    dropout: Annotated[NonNegativeFloat, Field(lt=1)] = 0.0
    tied: bool = True

    @model_validator(mode="after")
    def _heads_divide(self) -> "Decoder":
        if self.width % self.heads:
            raise ValueError(f"heads: expected a divisor of the width {self.width}, found {self.heads}")
        return self

    def build(self, outputs: int) -> nn.Module:
        """Return the network: tokens `[B, T]`, each below `outputs`, to logits `[B, T, outputs]`."""
        block = partial(TransformerBlock, self.width, self.heads, dropout=self.dropout, causal=True)
        network = nn.Sequential(
            OrderedDict(
                embedding=TokensAndPlaces(outputs, self.context, self.width, self.dropout),
                blocks=nn.Sequential(*(block() for _ in range(self.depth))),
                norm=nn.LayerNorm(self.width),
                output=nn.Linear(self.width, outputs, bias=False),
            )
        )
        start_like_gpt2(network, self.depth)
        if self.tied:
            network.get_submodule("output").weight = network.get_submodule("embedding.tokens").weight
        return network


class TokensAndPlaces(nn.Module):
    """Features of each token, to which those of its place in the sequence are added."""

    def __init__(self, tokens: int, context: int, width: int, dropout: float) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(tokens, width), nn.Embedding(context, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map `[B, T]` to `[B, T, width]`."""
        places = torch.arange(tokens.shape[1], device=tokens.device)
        features: Tensor = self.dropout(self.tokens(tokens) + self.places(places))
        return features
