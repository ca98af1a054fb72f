"""A block of a transformer, and how its values begin."""

import math
from collections import OrderedDict

from torch import Tensor, nn

from harness.models.attention import SelfAttention

__all__ = ["TransformerBlock", "start_like_gpt2"]

DEVIATION = 0.02


class TransformerBlock(nn.Module):
    """Attention and an MLP, each after a layer norm and added to the stream (arXiv 2002.04745).

    What writes to the stream is `attention.attention.out_proj` and `mlp.project`.

    Args:
        width: D, the features of a position.
        heads: divides D.
        ratio: hidden units of the MLP for each feature.
        dropout: the fraction of attention weights, and of what is added to the stream, dropped in training.
        causal: whether a position sees only those up to it.
    """

    def __init__(self, width: int, heads: int, *, ratio: int = 4, dropout: float = 0.0, causal: bool = False) -> None:
        super().__init__()
        self.attention = SelfAttention(width, heads, dropout=dropout, causal=causal)
        self.mlp = nn.Sequential(
            OrderedDict(
                norm=nn.LayerNorm(width),
                expand=nn.Linear(width, ratio * width),
                activation=nn.GELU(),
                project=nn.Linear(ratio * width, width),
            )
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Tensor) -> Tensor:
        """Map `[B, T, D]` to `[B, T, D]`."""
        attended = features + self.dropout(self.attention(features))
        changed: Tensor = attended + self.dropout(self.mlp(attended))
        return changed


def start_like_gpt2(network: nn.Module, depth: int) -> None:
    """Draw weights with a standard deviation of 0.02, and less where any of `depth` blocks writes to the stream.

    Source: Radford et al. (2019), Language Models are Unsupervised Multitask Learners, section 2.3.
    """
    for name, parameter in network.named_parameters():
        if parameter.dim() < 2:
            continue
        writes = name.endswith(("out_proj.weight", "mlp.project.weight"))
        nn.init.normal_(parameter, std=DEVIATION / math.sqrt(2 * depth) if writes else DEVIATION)
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.MultiheadAttention):
            for bias in (getattr(module, "bias", None), getattr(module, "in_proj_bias", None)):
                if bias is not None:
                    nn.init.zeros_(bias)
