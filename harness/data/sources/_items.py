"""Sources that make one example after the other."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from harness.core.digest import digest
from harness.core.errors import DataError, HarnessError
from harness.core.inputs import Inputs
from harness.data.normalize import Normalize
from harness.data.sources._base import NO_STEP, AbstractSource
from harness.data.sources.collate import stacked
from harness.data.sources.digests import digest_of_inputs
from harness.data.sources.item_streams import ItemStreams

__all__ = ["AbstractItems", "Collate"]

Collate = Callable[[Sequence[Any]], Inputs]
SAMPLES = 32


class AbstractItems(AbstractSource):
    """Examples that are made one by one, and put together by `collate`.

    Args:
        collate: returns the inputs of a batch, for a list of those of its examples; by default they are stacked. What
            it returns for an example may depend on the others, as the length of the longest, unless it has an
            attribute `is_fixed` that is true.
        draws: whether making an example draws random numbers.
        normalize: computed on the device.
        workers: processes that read ahead.
        digest: of what can be read; by default that of a sample of 32 examples and of their number.
    """

    def __init__(
        self,
        *,
        collate: Collate | None = None,
        draws: bool = False,
        normalize: Normalize | None = None,
        workers: int = 0,
        digest: str | None = None,
    ) -> None:
        self._collate, self._digest, self._streams = collate or stacked, digest, ItemStreams()
        self.draws, self.normalize, self.workers = draws, normalize, workers
        self.is_fixed = not draws and (collate is None or bool(getattr(collate, "is_fixed", False)))

    @abstractmethod
    def item(self, index: int) -> Any:
        """Return the inputs of the example `index`: a tensor, tensors by name, or whatever `collate` takes."""

    def items(self, indices: Sequence[int]) -> list[Any]:
        """Return those of several examples."""
        return [self._checked(index) for index in indices]

    def read(self, indices: Tensor) -> Inputs:
        """Return the inputs of the examples at `indices`; what is drawn depends on the index alone."""
        return self.read_at(indices, 0, NO_STEP)

    def read_at(self, indices: Tensor, seed: int, step: int) -> Inputs:
        """Return the same with what is drawn at that step."""
        asked = indices.tolist()
        if not self.draws:
            return self._collate(self.items(asked))
        return self._collate(self._streams.made(self._checked, asked, seed, step))

    @cached_property
    def digest(self) -> str:
        """The digest that was given, or one of some examples."""
        if self._digest is not None:
            return self._digest
        chosen = torch.linspace(0, len(self) - 1, min(SAMPLES, len(self))).long()
        return digest([len(self), *(digest_of_inputs(self.read(one[None])) for one in chosen)])

    def _checked(self, index: int) -> Any:
        try:
            return self.item(index)
        except HarnessError:
            raise
        except Exception as error:
            # A data set is the user's code and may raise anything.
            why = f"{type(error).__name__}: {' '.join(str(error).split()):.200}"
            raise DataError(f"expected an example at {index} of {type(self).__name__}, found {why}") from error
