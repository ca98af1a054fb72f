"""A loss of new examples alone, or of those from a memory."""

from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import field_validator
from torch import Tensor

from harness.losses._base import AbstractLoss, Batch

__all__ = ["OfExamples"]


class OfExamples(AbstractLoss):
    """Another loss, computed from one part of each batch: the new examples, or those from the memory.

    Of new examples, its components are those of the other loss, under their names; while nothing is remembered, and in
    evaluations, all examples are new. Of remembered ones they are called `<name>_<component>`, and there are none while
    nothing is remembered, and none in evaluations.

    Attributes:
        which: the part.
        loss: the other loss. Its weight is 1; that of both belongs here.
    """

    kind: Literal["of_examples"] = "of_examples"
    which: Literal["new", "memory"]
    loss: AbstractLoss

    @field_validator("loss")
    @classmethod
    def _weighted_once(cls, loss: AbstractLoss) -> AbstractLoss:
        if loss.weight != 1.0:
            raise ValueError(f"expected a loss of weight 1, found {loss.weight}; give the weight to of_examples")
        if loss.needs_memory:
            raise ValueError(f"expected a loss that knows of no memory, found {loss.kind!r}; list it on its own")
        return loss

    @property
    def needs_memory(self) -> bool:
        """Return True."""
        return True

    @property
    def needs_teacher(self) -> bool:
        """Return whether the other loss reads a teacher."""
        return self.loss.needs_teacher

    @property
    def taps(self) -> tuple[str, ...]:
        """The taps of the other loss."""
        return self.loss.taps

    @property
    def classes(self) -> frozenset[int]:
        """The classes that the other loss names."""
        return self.loss.classes

    @property
    def before_growth(self) -> AbstractLoss | None:
        """Return the other loss of all examples, or nothing of remembered ones."""
        if self.which == "memory":
            return self if self.learned_weight else None
        before = self.loss.before_growth
        return before and before.model_copy(update={"weight": self.weight})

    def speaks_of(self, name: str) -> str | None:
        """Return the output of the other loss; None for remembered examples, whose components have other names."""
        return self.loss.speaks_of(name) if self.which == "new" else None

    def components(self, name: str, batch: Batch) -> dict[str, Tensor]:
        """Return the components of the other loss; 0 for a part of a batch that has no such example."""
        part = self._part(batch)
        if part is None:
            return {}
        if len(part.labels):
            return {self._named(name, own): value for own, value in self.loss.components(name, part).items()}
        return {self._named(name, own): 0.0 * value for own, value in self._of_one(name, batch).items()}

    def counts(self, name: str, batch: Batch) -> Mapping[str, Tensor]:
        """Return how much the part counts, which is a mean over its examples where the other loss says nothing else."""
        part = self._part(batch)
        if part is None or batch.new is None:
            return {} if part is None else self.loss.counts(name, part)
        examples = torch.full((), len(part.labels), device=part.labels.device)
        counts = dict.fromkeys(self._of_one(name, batch), examples) | dict(self.loss.counts(name, part))
        return {self._named(name, own): count for own, count in counts.items()}

    def _part(self, batch: Batch) -> Batch | None:
        """Return the examples that it is computed from; None where nothing is remembered."""
        if batch.new is None:
            return batch if self.which == "new" else None
        return batch.rows(slice(0, batch.new) if self.which == "new" else slice(batch.new, None))

    def _of_one(self, name: str, batch: Batch) -> dict[str, Tensor]:
        """Return the components of the other loss of one example, whichever it is."""
        return self.loss.components(name, batch.rows(slice(0, 1)))

    def _named(self, name: str, component: str) -> str:
        return component if self.which == "new" else f"{name}_{component}"
