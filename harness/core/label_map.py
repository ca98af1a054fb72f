"""Which head answers for which class, and in which column of the heads' logits side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["LabelMap"]


@dataclass(frozen=True)
class LabelMap:
    """A map of the classes that can be answered now.

    Attributes:
        heads: names of the heads, in the order of their birth.
        column: `[classes]` int64; the class's column in the joined logits, or -1.
        head: `[classes]` int64; the index in `heads` of the class's head, or -1.
    """

    heads: tuple[str, ...]
    column: Tensor
    head: Tensor

    @classmethod
    def of(cls, classes: Mapping[str, Sequence[int]], *, device: torch.device | None = None) -> "LabelMap":
        """Lay the heads' classes side by side, in the order given."""
        size = 1 + max(label for labels in classes.values() for label in labels)
        column = torch.full((size,), -1)
        head = torch.full((size,), -1)
        position = 0
        for index, labels in enumerate(classes.values()):
            for label in labels:
                column[label], head[label] = position, index
                position += 1
        return cls(tuple(classes), column.to(device), head.to(device))

    def known(self, labels: Tensor) -> Tensor:
        """Return `[N]` bool: which of `labels` `[N]` some head answers for."""
        within = (labels >= 0) & (labels < len(self.column))
        return within & (self.column[labels.clamp(0, len(self.column) - 1)] >= 0)
