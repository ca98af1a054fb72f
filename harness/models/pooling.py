"""Pooling: one row of features for each example, from sequences and maps of any layout."""

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from harness.core.errors import SpecError
from harness.models.layout import standard_layout, to_sequence

__all__ = ["Pool", "mask_in", "pooled"]

Pool = Literal["mean", "first", "last"]


def pooled(features: Tensor, how: Pool = "mean", layout: str | None = None, mask: Tensor | None = None) -> Tensor:
    """Return `[B, F]`: the mean over positions, or the first or the last of them; `mask` says which positions are real.

    Args:
        features: `[B, F]`, or with positions in any layout.
        how: which positions; of maps only the mean.
        layout: of the features; that of `standard_layout` by default.
        mask: `[B, T]`, true at real positions. Features without positions, and maps, do not heed it.

    Raises:
        SpecError: the mask is one of other positions.
    """
    if features.dim() <= 2:
        return features
    if layout is None and mask is None and how == "mean":
        return features.mean(dim=1) if features.dim() == 3 else features.flatten(2).mean(dim=2)
    positions = to_sequence(features, layout or standard_layout(features.dim()))
    real = _fitting(mask, positions)
    if how == "mean":
        sequence = positions.flatten(1, -2)
        return sequence.mean(dim=1) if real is None else _mean(sequence, real.flatten(1))
    return _chosen(positions, how, real)


def mask_in(batch: Mapping[str, Any], name: str | None) -> Tensor | None:
    """Return the mask `name` of a batch, true at real positions; None if there is none.

    One whose name speaks of padding, such as torch's `src_key_padding_mask`, is true where nothing is real.
    """
    mask = batch.get(name) if name else None
    if not isinstance(mask, Tensor):
        return None
    if "padding" not in str(name):
        return mask != 0
    return mask == 0  # of floats, what is added to scores: 0 where a position is real


def _fitting(mask: Tensor | None, positions: Tensor) -> Tensor | None:
    if mask is None or mask.dim() < positions.dim() - 1:
        return None
    if mask.shape != positions.shape[:-1]:
        raise SpecError(
            f"expected a mask of the positions {list(positions.shape[:-1])} that a head reads, found one of "
            f"{list(mask.shape)}; say mask='...' to name the entry of the batch that is, or mask=None"
        )
    return mask.to(positions.device)


def _mean(sequence: Tensor, real: Tensor) -> Tensor:
    # What stands at other positions may be anything, NaN as well.
    kept = sequence.masked_fill(~real.unsqueeze(-1), 0)
    return kept.sum(dim=1) / real.sum(dim=1, keepdim=True).clamp(min=1).to(sequence.dtype)


def _chosen(sequence: Tensor, how: Pool, real: Tensor | None) -> Tensor:
    if real is None:
        return sequence[:, 0 if how == "first" else -1]
    order = torch.arange(real.shape[1], device=real.device)
    index = (real * (order + 1)).argmax(dim=1) if how == "last" else (real * (len(order) - order)).argmax(dim=1)
    return sequence[torch.arange(len(sequence), device=sequence.device), index]
