"""Batches of a source, in an order that is known, read by other processes while a network trains."""

import multiprocessing
import os
import sys
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from harness.core.errors import DataError, HarnessError, SpecError
from harness.core.inputs import Inputs
from harness.data.sources._base import AbstractSource

if TYPE_CHECKING:
    from harness.data._base import Split

__all__ = ["WORKERS_VARIABLE", "ReadingAhead", "TrainingBatches", "workers_of"]

WORKERS_VARIABLE = "HARNESS_DATA_WORKERS"
# A worker of a launch was spawned, and would spawn its own: they would have to import the study, and copy its data.
CONTEXT = "fork" if sys.platform == "linux" else None
PREFETCHED = 4  # batches that each worker holds ready: as many as reading may stutter for


class Order(Protocol):
    """An order of batches, such as `BatchOrder`."""

    def indices(self, step: int) -> Tensor:
        """Return the indices `[B]` of the batch at `step`."""


class ReadingAhead:
    """The inputs of batches of `source`, one after the other.

    Args:
        source: what is read.
        asked: the steps and the indices `[B]` of the batches, in order.
        device: of the network.
        seed: of the run, from which random transforms draw.
        workers: processes that read; 0: each batch is read when it is asked for.
    """

    def __init__(
        self,
        source: AbstractSource,
        asked: Iterable[tuple[int, Tensor]],
        device: torch.device,
        *,
        seed: int = 0,
        workers: int | None = None,
    ) -> None:
        self._source, self._device = source, device
        count = workers_of(source) if workers is None else workers
        items = _Batches(source, seed)
        read = _loaded(items, asked, count, pinned=device.type == "cuda") if count else map(items.__getitem__, asked)
        self._read: Iterator[Inputs | _Failure] = iter(read)

    def __iter__(self) -> Iterator[Inputs]:
        return self

    def __next__(self) -> Inputs:
        """Return the inputs of the next batch, on the device.

        Raises:
            DataError: they cannot be read.
        """
        try:
            read = next(self._read)
        except RuntimeError as error:  # torch's, if a worker was killed
            raise DataError(f"expected the next batch, found a worker that ended: {error}") from None
        if isinstance(read, _Failure):
            raise read.error
        return self._source.finish(read, self._device)

    def close(self) -> None:
        """End the workers."""
        self._read = iter(())  # torch ends them when nobody holds their iterator


def workers_of(source: AbstractSource) -> int:
    """Return how many processes read ahead: as many as the environment says, else as the source does.

    Raises:
        SpecError: the environment says something else than a number.
    """
    if source.in_memory:
        return 0
    said = os.environ.get(WORKERS_VARIABLE, "")
    if said and not said.isdecimal():
        raise SpecError(f"expected the number of workers that read data as {WORKERS_VARIABLE}, found {said!r}")
    return int(said) if said else source.workers


class TrainingBatches:
    """The training batches of a split whose inputs are read, from a step on.

    Args:
        split: with a source.
        order: of the batches; nobody else asks it while this exists, since it keeps the indices of one epoch.
        seed: of the run.
        start: the step at which the latest growth was made.
        ages: the steps since then whose batches are read.
    """

    def __init__(self, split: "Split", order: "Order", *, seed: int, start: int, ages: Iterable[int]) -> None:
        assert split.source is not None
        self._split = split
        self._asked_for: deque[tuple[int, Tensor]] = deque()
        self._latest: tuple[int, Split] | None = None
        asked = self._asked(order, start, ages)
        self._ahead = ReadingAhead(split.source, asked, split.labels.device, seed=seed)

    def at(self, age: int) -> "Split":
        """Return the batch at `age`: the one that was returned last, or the next. Raises `DataError`."""
        if self._latest is None or self._latest[0] != age:
            inputs = next(self._ahead)
            asked, indices = self._asked_for.popleft()
            assert asked == age
            self._latest = age, self._split.batch(indices, inputs)
        return self._latest[1]

    def close(self) -> None:
        """End the workers."""
        self._ahead.close()

    def _asked(self, order: "Order", start: int, ages: Iterable[int]) -> Iterator[tuple[int, Tensor]]:
        for age in ages:
            self._asked_for.append((age, order.indices(age)))
            yield start + age, self._asked_for[-1][1]


class _Failure:
    """An error of a worker, given to the process that waits for the batch."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class _Batches(Dataset[Any]):
    """Whole batches by (step, indices), as a data set of torch."""

    def __init__(self, source: AbstractSource, seed: int) -> None:
        self._source, self._seed = source, seed

    def __getitem__(self, asked: tuple[int, Any]) -> "Inputs | _Failure":
        step, indices = asked
        try:
            return self._source.read_at(torch.as_tensor(indices), self._seed, step)
        except HarnessError as error:
            return _Failure(error)  # torch would write the worker's stack into its message
        except Exception as error:  # noqa: BLE001  # a source is the user's code and may raise anything
            why = f"{type(error).__name__}: {' '.join(str(error).split()):.200}"
            return _Failure(DataError(f"expected a batch of {type(self._source).__name__}, found {why}"))


def _loaded(items: _Batches, asked: Iterable[tuple[int, Tensor]], workers: int, *, pinned: bool) -> Iterator[Any]:
    with warnings.catch_warnings(), _allowed_children():
        warnings.filterwarnings("ignore", "This DataLoader will create")  # whoever waits for a disk wants many
        loader: DataLoader[Any] = DataLoader(
            items,
            # Numbers travel to workers as they are; a tensor would take a file of shared memory of its own.
            sampler=_Requested((step, indices.cpu().numpy()) for step, indices in asked),
            batch_size=None,
            num_workers=workers,
            prefetch_factor=PREFETCHED,
            collate_fn=_unchanged,
            multiprocessing_context=CONTEXT,
            pin_memory=pinned,
            generator=torch.Generator(),  # or a draw from the global one would change what others draw
        )
        return iter(loader)


@contextmanager
def _allowed_children() -> Iterator[None]:
    """Let a worker of a launch, which is a daemon, have workers: torch's end by themselves once it is gone."""
    settings: dict[str, object] = vars(multiprocessing.current_process())["_config"]
    kept = settings.pop("daemon", None)
    try:
        yield
    finally:
        if kept is not None:
            settings["daemon"] = kept


class _Requested:
    def __init__(self, asked: Iterable[Any]) -> None:
        self._asked = asked

    def __iter__(self) -> Iterator[Any]:
        return iter(self._asked)


def _unchanged(batch: Any) -> Any:
    return batch
