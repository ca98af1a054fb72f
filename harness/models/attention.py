"""Self-attention over a sequence."""

import torch
from torch import Tensor, nn

__all__ = ["SelfAttention"]


class SelfAttention(nn.Module):
    """Layer norm, then self-attention (arXiv 1706.03762).

    Args:
        width: D, the features of a position.
        heads: divides D.
        dropout: the fraction of attention weights dropped in training.
        causal: whether a position sees only those up to it.
    """

    def __init__(self, width: int, heads: int, *, dropout: float = 0.0, causal: bool = False) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, dropout=dropout, batch_first=True)
        self.causal = causal

    def forward(self, features: Tensor) -> Tensor:
        """Map `[B, T, D]` to `[B, T, D]`."""
        normed = self.norm(features)
        mask = self._mask(features) if self.causal else None
        result: Tensor = self.attention(normed, normed, normed, need_weights=False, attn_mask=mask)[0]
        return result

    @staticmethod
    def _mask(features: Tensor) -> Tensor:
        """Return `[T, T]`, true where a position must not look."""
        length = features.shape[1]
        return torch.ones(length, length, dtype=torch.bool, device=features.device).triu(diagonal=1)
