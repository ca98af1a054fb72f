"""The interface of sources: inputs that are read when they are needed, and need not fit into memory."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from harness.core.digest import digest
from harness.core.inputs import Inputs, map_inputs
from harness.core.transfer import to_device
from harness.data.normalize import Normalize
from harness.data.sources.digests import digest_of_tensor

__all__ = ["NO_STEP", "AbstractSource", "SourcePart"]

NO_STEP = -1  # of what is read for an evaluation: it is the same at every step and for every seed


class AbstractSource(ABC):
    """The inputs of N examples, read batch by batch.

    What is read is a function of the indices alone, or of (seed, step, index) if the source `draws`.

    Attributes:
        draws: whether reading draws random numbers, as random transforms of an example do.
        is_fixed: whether an example's inputs are the same in every batch; they are not if it `draws`, or is padded to
            the longest example of its batch.
        workers: processes that read ahead while a network trains; 0: this process reads.
        in_memory: whether nothing is read.
        normalize: computed on the device from what is read.
    """

    draws: bool = False
    is_fixed: bool = True
    workers: int = 0
    in_memory: bool = False
    normalize: Normalize | None = None

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of examples."""

    @abstractmethod
    def read(self, indices: Tensor) -> Inputs:
        """Return the inputs `[B, ...]` of the examples at `indices` `[B]`, on the CPU and in their stored type.

        Raises:
            DataError: one cannot be read.
        """

    @property
    @abstractmethod
    def digest(self) -> str:
        """A digest of what can be read; that of other data is another one."""

    def read_at(self, indices: Tensor, seed: int, step: int) -> Inputs:
        """Return the same for the step `step` of a run; a source that draws does so from (seed, step, index)."""
        del seed, step
        return self.read(indices)

    def finish(self, stored: Inputs, device: torch.device) -> Inputs:
        """Return what `read` returned as a network on `device` reads it."""
        moved = map_inputs(lambda tensor: to_device(tensor, device), stored)
        return moved if self.normalize is None else self.normalize(moved)

    def batch(self, indices: Tensor, device: torch.device, *, seed: int = 0, step: int = NO_STEP) -> Inputs:
        """Return the inputs of the examples at `indices` as a network on `device` reads them."""
        return self.finish(self.read_at(indices.cpu(), seed, step), device)

    def whole(self) -> Inputs:
        """Return the inputs of all examples, on the CPU, as a network reads them."""
        return self.batch(torch.arange(len(self)), torch.device("cpu"))

    def part(self, indices: Tensor) -> "AbstractSource":
        """Return the source of the examples at `indices` alone; nothing is read."""
        return SourcePart(self, indices)

    def to(self, device: torch.device) -> "AbstractSource":
        """Return the source for a network on `device`; what is read from elsewhere stays there."""
        del device
        return self


class SourcePart(AbstractSource):
    """Some examples of a source, in an order of their own."""

    def __init__(self, source: AbstractSource, rows: Tensor) -> None:
        self._source, self._rows = source, {rows.device: rows}
        for name in ("draws", "is_fixed", "workers", "in_memory", "normalize"):
            setattr(self, name, getattr(source, name))

    def __len__(self) -> int:
        return len(next(iter(self._rows.values())))

    def read(self, indices: Tensor) -> Inputs:
        """Return the inputs at `indices` of the part."""
        return self._source.read(self._chosen(indices))

    def read_at(self, indices: Tensor, seed: int, step: int) -> Inputs:
        """Return the inputs at `indices` of the part; draws depend on the index in the whole."""
        return self._source.read_at(self._chosen(indices), seed, step)

    def finish(self, stored: Inputs, device: torch.device) -> Inputs:
        """Return what the source returns."""
        return self._source.finish(stored, device)

    def batch(self, indices: Tensor, device: torch.device, **moment: Any) -> Inputs:
        """Return what the source returns."""
        return self._source.batch(self._chosen(indices), device, **moment)

    def part(self, indices: Tensor) -> AbstractSource:
        """Return a part of the whole source."""
        return SourcePart(self._source, self._chosen(indices))

    def to(self, device: torch.device) -> AbstractSource:
        """Return the part for a network on `device`."""
        return SourcePart(self._source.to(device), self._rows_on(torch.device("cpu")))

    @property
    def digest(self) -> str:
        """A digest of the source and the rows."""
        return digest([self._source.digest, digest_of_tensor(self._rows_on(torch.device("cpu")))])

    def _chosen(self, indices: Tensor) -> Tensor:
        return self._rows_on(indices.device)[indices]

    def _rows_on(self, device: torch.device) -> Tensor:
        if device not in self._rows:
            self._rows[device] = next(iter(self._rows.values())).to(device)
        return self._rows[device]
