"""The division of examples of one's own into training, validation and test parts."""

import math
from typing import Annotated

from pydantic import Field, field_validator
from torch import Tensor

from harness.core.errors import DataError
from harness.core.spec import Spec
from harness.data.splits import grouped_split, stratified_split

__all__ = ["Parts"]

Fraction = Annotated[float, Field(gt=0, lt=1)]


class Parts(Spec):
    """Disjoint parts in which every class has about the same share.

    Attributes:
        fractions: of the examples that train, validate and test; they add up to one.
        group: the column or array with the group of each example, such as its patient; a group is never divided.
            None: every example is a group of its own.
        seed: of the shuffling; the same in all runs of a study.
    """

    fractions: tuple[Fraction, Fraction, Fraction] = (0.6, 0.2, 0.2)
    group: str | None = None
    seed: int = 0

    @field_validator("fractions")
    @classmethod
    def _add_up_to_one(cls, fractions: tuple[float, ...]) -> tuple[float, ...]:
        if not math.isclose(sum(fractions), 1):
            raise ValueError(f"expected fractions that add up to 1, found {fractions}")
        return fractions

    def divide(self, labels: Tensor, groups: Tensor | None) -> list[Tensor]:
        """Return the indices of the training, validation and test examples.

        Args:
            labels: `[N]` int64.
            groups: `[N]` int64, the group of each example; None if every example is a group of its own.

        Raises:
            DataError: a part would be empty.
        """
        if not len(labels):
            raise DataError("expected examples to divide into parts, found none")
        if groups is None:
            indices = stratified_split(labels, self.fractions, seed=self.seed)
        else:
            _, numbered = groups.unique(return_inverse=True)
            indices = grouped_split(labels, numbered, self.fractions, seed=self.seed)
        sizes = [len(part) for part in indices]
        if 0 in sizes:
            raise DataError(f"expected examples in every part, found {sizes}; change the fractions or give more groups")
        return indices
