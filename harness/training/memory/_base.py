"""What a memory of examples is."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field, NonNegativeInt, PositiveInt, model_validator
from torch import Tensor

from harness.core.spec import LeafSpec

__all__ = ["AbstractByClass", "AbstractMemory", "Candidates"]


@dataclass(frozen=True)
class Candidates:
    """The examples that a memory may hold from now on: those it holds, and those that were new until now.

    Attributes:
        held: `[K]` the labels of the examples that it holds, in its order.
        new: `[N]` the labels of the others.
        seen: how many examples it was shown before.
        features: returns the outputs `[N, F]` of the module at a path, for the new examples.
        losses: returns the cross-entropy `[N]` of each new example among all classes that are known.
    """

    held: Tensor
    new: Tensor
    seen: int
    features: Callable[[str], Tensor]
    losses: Callable[[], Tensor]


class AbstractMemory(LeafSpec):
    """The examples that stay when new classes arrive; all others are never trained again.

    It is filled when a growth brings classes, by the network before that growth, from the examples that were new until
    then and those that it holds. Until the first such growth it is empty, and all examples are new.

    Attributes:
        fraction: of each batch that comes from the memory, rounded to whole examples; at least one is new.
        per_batch: the number of examples from the memory that are added to each batch of new ones; all of them if there
            are fewer. Without either, new and remembered examples are shuffled together, all alike.
        held_out: the fraction of the remembered examples of each class that no step is trained on until the next
            arrival, rounded, at least one of two; and as many of each new class. They are those that an operation such
            as `CorrectBias` looks at.
    """

    later: ClassVar[tuple[str, ...]] = ("held_out",)

    fraction: Annotated[float, Field(ge=0, lt=1)] | None = None
    per_batch: PositiveInt | None = None
    held_out: Annotated[float, Field(ge=0, lt=1)] = 0.0

    @model_validator(mode="after")
    def _one_way_to_draw(self) -> "AbstractMemory":
        if self.fraction is not None and self.per_batch is not None:
            raise ValueError(
                f"expected a fraction of each batch or a number of examples, found fraction={self.fraction} and "
                f"per_batch={self.per_batch}; leave one out"
            )
        return self

    @abstractmethod
    def choose(self, candidates: Candidates, generator: torch.Generator) -> Tensor:
        """Return which examples are held from now on, in the memory's order: `[M]` positions, each once.

        Positions are those in the held examples and, behind them, the new ones. All draws come from `generator`, which
        is on the CPU; so are all tensors.
        """

    @abstractmethod
    def room(self, labels: Tensor) -> int:
        """Return how many examples it holds once it was shown examples of `labels` `[N]`."""

    @property
    def taps(self) -> tuple[str, ...]:
        """The module paths whose features it reads."""
        return ()

    @property
    def is_apart(self) -> bool:
        """Whether each batch has a known number of remembered examples, behind the new ones."""
        return self.fraction is not None or self.per_batch is not None


class AbstractByClass(AbstractMemory):
    """A memory with equally many examples of each class, as far as there are as many.

    Its examples are ordered by class, and those of a class by rank. When classes arrive and each has less room, the
    lowest ranks of every class leave, so the others stay as they were stored (iCaRL, arXiv 1611.07725).

    Attributes:
        size: the number of examples in all, divided among all classes seen so far; if that leaves a rest, the lowest
            labels have one more.
        per_class: or the number of examples of each class.
    """

    size: NonNegativeInt | None = None
    per_class: NonNegativeInt | None = None

    @model_validator(mode="after")
    def _one_size(self) -> "AbstractByClass":
        if (self.size is None) == (self.per_class is None):
            raise ValueError(
                f"expected a size in all or per class, found size={self.size} and per_class={self.per_class}; give one"
            )
        return self

    @abstractmethod
    def rank(self, own: Tensor, count: int, candidates: Candidates, generator: torch.Generator) -> Tensor:
        """Return the `count` examples of a class to be stored, best first: of `own` `[n]`, positions in the new ones.

        `count` is at most n.
        """

    def choose(self, candidates: Candidates, generator: torch.Generator) -> Tensor:
        """Return the positions, by class and rank."""
        labels, held = torch.cat([candidates.held, candidates.new]), len(candidates.held)
        chosen = [labels.new_zeros(0)]
        for label, room in self._rooms(labels).items():
            kept = (candidates.held == label).nonzero().squeeze(1)[:room]
            own = (candidates.new == label).nonzero().squeeze(1)
            count = min(room - len(kept), len(own))
            chosen += [kept, held + self.rank(own, count, candidates, generator)] if count else [kept]
        return torch.cat(chosen)

    def room(self, labels: Tensor) -> int:
        """Return the number of examples that there are and that fit."""
        counts = dict(zip(*(found.tolist() for found in labels.unique(return_counts=True)), strict=True))
        return sum(min(room, counts[label]) for label, room in self._rooms(labels).items())

    def _rooms(self, labels: Tensor) -> dict[int, int]:
        """Return how many examples of each class fit, by label, in order."""
        classes: list[int] = labels.unique().tolist()
        if self.per_class is not None:
            return dict.fromkeys(classes, self.per_class)
        each, rest = divmod(self.size or 0, max(len(classes), 1))
        return {label: each + (place < rest) for place, label in enumerate(classes)}
