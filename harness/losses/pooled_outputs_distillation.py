"""Pooled outputs distillation: maps keep their profiles along width and height."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from harness.core.errors import SpecError
from harness.losses._base import AbstractLoss, Batch

__all__ = ["PooledOutputsDistillation"]


class PooledOutputsDistillation(AbstractLoss):
    """The distance between the student's and the teacher's profiles of maps (PODNet's spatial loss, arXiv 2004.13513).

    The profile of maps `[B, C, H, W]` are the sums of their squares over the width and those over the height, side by
    side `[B, C * (H + W)]`, brought to the length 1. The distance is averaged over examples, then over layers. There is
    no component while the model has no teacher. The paper's weight rises with the square root of all classes over new
    ones; its loss of the last features is `FeatureMatching`.

    Attributes:
        layers: the paths of the modules that return the maps.
    """

    kind: Literal["pooled_outputs_distillation"] = "pooled_outputs_distillation"
    layers: Annotated[tuple[str, ...], Field(min_length=1)]

    @property
    def taps(self) -> tuple[str, ...]:
        """Return the layers."""
        return self.layers

    @property
    def needs_teacher(self) -> bool:
        """Return True."""
        return True

    def components(self, name: str, batch: Batch) -> dict[str, Tensor]:
        """Return one component, or none. Raises `SpecError` for other features than maps, or maps that grew."""
        shared = [layer for layer in self.layers if layer in batch.teacher_features]
        distances = [_distance(layer, batch.features[layer], batch.teacher_features[layer]) for layer in shared]
        return {name: torch.stack(distances).mean()} if distances else {}


def _distance(layer: str, maps: Tensor, old: Tensor) -> Tensor:
    if maps.dim() != 4 or maps.shape != old.shape:
        expected = f"the teacher's shape {tuple(old.shape)}" if old.dim() == 4 else "the shape [B, C, H, W]"
        raise SpecError(f"expected maps of {expected} at {layer!r}, found {tuple(maps.shape)}; choose another layer")
    distances: Tensor = torch.linalg.vector_norm(_profile(maps) - _profile(old), dim=1)
    return distances.mean()


def _profile(maps: Tensor) -> Tensor:
    squares = maps.square()
    return functional.normalize(torch.cat([squares.sum(dim=3).flatten(1), squares.sum(dim=2).flatten(1)], dim=1))
