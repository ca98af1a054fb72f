"""A margin between the classes of examples that came earlier, and the classes that came last."""

from typing import Literal

import torch
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from harness.core.errors import SpecError
from harness.core.label_map import LabelMap
from harness.losses._base import AbstractLoss, Batch, mean_over

__all__ = ["MarginRanking"]


class MarginRanking(AbstractLoss):
    """max(margin - a + b, 0), summed over the `nearest` new classes and averaged over examples of earlier classes.

    a is the cosine of an example with its own class, b that with a class that came last (LUCIR, Hou et al. 2019,
    equation 8); those with the largest b count. There is no component before the first arrival.

    Attributes:
        tap: the path of the module that returns cosines: `<path>.cosines` after `AnswerByCosines(path=...)`.
        margin: the paper's m.
        nearest: the paper's K; all new classes if there are fewer.
        output: the output whose cosines they are; the first head that classifies labels unless given.
    """

    kind: Literal["margin_ranking"] = "margin_ranking"
    tap: str
    margin: PositiveFloat = 0.5
    nearest: PositiveInt = 2
    output: str | None = None

    @property
    def taps(self) -> tuple[str, ...]:
        """Return the tap."""
        return (self.tap,)

    @property
    def is_penalty(self) -> bool:
        """Return True."""
        return True

    @property
    def before_growth(self) -> AbstractLoss | None:
        """Return None, unless its weight is learned, which the network then holds from the start."""
        return self if self.learned_weight else None

    def components(self, name: str, batch: Batch) -> dict[str, Tensor]:
        """Return one component, or none. Raises `SpecError` for a tap without a column for each class of the output."""
        head = self._head(batch)
        if head is None:
            return {}
        cosines, label_map = self._cosines(batch, head), batch.specs.label_map
        own = cosines.gather(1, label_map.within[batch.labels].clamp(0, cosines.shape[1] - 1).unsqueeze(1))
        new = cosines.where(_newest(label_map, head, cosines.shape[1]), -torch.inf)
        nearest = new.topk(min(self.nearest, cosines.shape[1]), dim=1).values
        return {name: mean_over((self.margin - own + nearest).clamp(min=0).sum(dim=1), _earlier(batch, head))}

    def counts(self, name: str, batch: Batch) -> dict[str, Tensor]:
        """Return the number of examples of earlier classes."""
        head = self._head(batch)
        return {} if head is None else {name: _earlier(batch, head).sum()}

    def _head(self, batch: Batch) -> int | None:
        """Return the number of the output among the heads; None before the first arrival, or while there is none."""
        heads, arrivals = batch.specs.label_map.heads, batch.specs.label_map.arrivals
        if not arrivals or not arrivals[-1] or self.tap not in batch.features:
            return None
        return heads.index(self.output or heads[0]) if self.output is None or self.output in heads else None

    def _cosines(self, batch: Batch, head: int) -> Tensor:
        """Return the cosines `[B, visible]` with the classes of the output that can be seen."""
        found, label_map = batch.features[self.tap], batch.specs.label_map
        if found.dim() != 2 or found.shape[1] != label_map.sizes[head]:
            raise SpecError(
                f"expected cosines [B, {label_map.sizes[head]}] of the output {label_map.heads[head]!r} at "
                f"{self.tap!r}, found {list(found.shape)}; name the layer that computes them"
            )
        return label_map.logits({label_map.heads[head]: found}, head)


def _newest(label_map: LabelMap, head: int, columns: int) -> Tensor:
    """Return `[columns]` bool: whether a class of each column of the output came last."""
    classes = (label_map.head == head) & (label_map.arrival == label_map.arrivals[-1])
    places = torch.arange(columns, device=classes.device)
    return ((label_map.within == places[:, None]) & classes).any(dim=1)


def _earlier(batch: Batch, head: int) -> Tensor:
    """Return `[B]` bool: whether the class of an example is one of the output, and came before the last ones."""
    label_map = batch.specs.label_map
    return (label_map.head[batch.labels] == head) & (label_map.arrival[batch.labels] < label_map.arrivals[-1])
