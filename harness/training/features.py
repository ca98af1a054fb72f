"""Frozen features, computed once: if the lower part of a network is frozen, only the upper part is run.

An example's features do not depend on the other examples of its batch, but their last bits depend on the batch size. So
they are computed in batches of the size in which the network would have seen the example, where the same kernels run on
the same shapes: training batches are always full; the last batch of an evaluation holds the remaining examples.
"""

import functools
import hashlib
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from harness.core.inputs import Inputs, input_tensors
from harness.data import Split, TaskData
from harness.data.reading_ahead import ReadingAhead
from harness.data.sources import NO_STEP, AbstractSource
from harness.models import GrowableModel
from harness.models.cut import Cut, find_cut
from harness.training.compiled import CompiledForward
from harness.training.evaluation import CHUNK
from harness.training.forward import Forward
from harness.training.precision import autocast
from harness.training.state import TrainState

__all__ = ["FeatureCache", "Feed"]

BUDGET_BYTES = 2 * 10**9
MOST_TAKEN = 32  # batches whose features are kept


@dataclass(frozen=True)
class Feed:
    """The data of a stage and the forward pass on it.

    Attributes:
        cut: if there is one, the data's training and validation examples have features, and only the part above the
            cut is run.
        compiled: the network's forward pass in training, if it is compiled; there is no cut then.
    """

    model: GrowableModel
    data: TaskData
    cut: Cut | None = None
    compiled: CompiledForward | None = None

    def forward(self, batch: Split) -> dict[str, Tensor]:
        """Return the network's outputs by name for training examples that were taken from the data."""
        if self.compiled is not None:
            return self.compiled(batch.inputs)
        return self.cut.outputs(batch.features) if self.cut else self.model(batch.inputs)

    def forward_part(self, part: Split) -> dict[str, Tensor]:
        """Return the same for a slice of the data, of which layers that change their inputs in place get a copy."""
        if self.cut is None:
            outputs: dict[str, Tensor] = self.model(part.inputs)
            return outputs
        return _upper_part(self.cut, part)


def _upper_part(cut: Cut, part: Split) -> dict[str, Tensor]:
    return cut.outputs({name: feature.clone() for name, feature in part.features.items()})


@dataclass
class _FeatureTable:
    """Features of the examples of a split.

    Attributes:
        split: whose examples they are, held so that no other tensor can get the address of its inputs.
        features: `[N, ...]` by name; rows that are not known are not initialized.
        known: `[N]` bool, whether a row has been computed.
    """

    split: Split
    features: dict[str, Tensor]
    known: Tensor

    @property
    def bytes(self) -> int:
        return sum(tensor.numel() * tensor.element_size() for tensor in self.features.values())


class FeatureCache:
    """The features of the last few networks, by a digest of what they were computed from.

    Args:
        budget_bytes: of memory for all tables; the least recently used are dropped first. On the CPU, a table that is
            too large on its own is kept in a file; on a GPU there is none.
        folder: for such files, which have no name and vanish with the process; without it there are none.
    """

    def __init__(self, budget_bytes: int = BUDGET_BYTES, folder: Path | None = None) -> None:
        self._budget_bytes = budget_bytes
        self._folder = folder
        self._tables: OrderedDict[str, _FeatureTable] = OrderedDict()
        self._taken: OrderedDict[str, Split] = OrderedDict()

    def feed(self, state: TrainState, data: TaskData, seen: Tensor, *, batch_size: int) -> Feed:
        """Return `data` with features if a lower part of the network is frozen, else `data` alone.

        Args:
            state: in the modes in which it is trained.
            data: on the state's device.
            seen: indices `[S]` of the training examples that will be used; others get no features.
            batch_size: of training.
        """
        plain = Feed(state.model, data)
        if not all(split.source is None or split.source.is_fixed for split in (data.train, data.validation)):
            return plain
        cut = find_cut(state.model, _first_two(data.train))
        if cut is None:
            return plain
        train = self._with_features(cut, state, data.train, seen.cpu(), batch_size, full=True)
        everything = torch.arange(len(data.validation))
        validation = self._with_features(cut, state, data.validation, everything, CHUNK, full=False)
        if train is None or validation is None:
            return plain
        return Feed(state.model, replace(data, train=train, validation=validation), cut)

    def of_split(self, state: TrainState, split: Split) -> tuple[Split, Forward | None]:
        """Return `split` with features and the forward pass on them; the split alone and None if nothing is saved.

        Only of a lower part that no run ever trains, such as a pretrained encoder: it is run once for them all.
        """
        if split.source is not None and not split.source.is_fixed:
            return split, None
        cut = find_cut(state.model, _first_two(split), _untrained(state))
        if cut is None:
            return split, None
        found = self._with_features(cut, state, split, torch.arange(len(split)), CHUNK, full=False)
        return (split, None) if found is None else (found, functools.partial(_upper_part, cut))

    def of_rows(self, state: TrainState, split: Split, rows: Tensor) -> tuple[Split, Forward | None]:
        """Return the same for the examples at `rows` of `split`, a few that several runs ask for."""
        key = f"{_identity(split.inputs)} {hashlib.sha256(rows.cpu().numpy().tobytes()).hexdigest()}"
        taken = self._taken.pop(key, None) or split.take(rows)
        found = self.of_split(state, taken)
        if found[1] is not None:
            self._taken[key] = taken
        while len(self._taken) > MOST_TAKEN:
            self._taken.popitem(last=False)
        return found

    def _with_features(
        self, cut: Cut, state: TrainState, split: Split, wanted: Tensor, size: int, *, full: bool
    ) -> Split | None:
        """Return `split` with the features of the examples at `wanted`; None if they do not fit into the budget.

        They are computed in batches of `size`. With `full` the last batch is padded to it.
        """
        key = f"{_made_from(cut, state)} {size if full else ''} {_identity(split.inputs)}"
        table = self._tables.pop(key, None) or self._new_table(cut, state, split)
        if table is None:
            return None
        missing = wanted[~table.known[wanted]]
        batches = missing.split(size) if len(missing) else ()
        computed = self._features(cut, state, split, batches, size, full=full)
        for rows, features in zip(batches, computed, strict=True):
            _keep_features(table, rows, features)
        self._keep(key, table)
        return replace(split, features=table.features)

    def _features(
        self, cut: Cut, state: TrainState, split: Split, batches: Sequence[Tensor], size: int, *, full: bool
    ) -> Iterator[Mapping[str, Tensor]]:
        """Yield the features of the examples at each of `batches`, from those at a lower cut if there is one.

        Layers that no run ever trains lie below it, such as a pretrained encoder below heads that stand still by now.
        """
        padded = [torch.cat([rows, rows[:1].expand(max(size - len(rows), 0))]) if full else rows for rows in batches]
        lower = find_cut(state.model, _first_two(split), _untrained(state)) if padded else None
        found = None
        if lower is not None and lower.name != cut.name:
            found = self._with_features(lower, state, split, torch.cat(list(batches)), size, full=full)
        if found is None or lower is None:
            yield from (_features(cut, state, inputs) for inputs in _read(split, padded))
        else:
            for rows in padded:
                below = {name: values[rows.to(values.device)] for name, values in found.features.items()}
                with torch.no_grad(), autocast(state.precision, state.device):
                    yield cut.features_above(lower, below)

    def _new_table(self, cut: Cut, state: TrainState, split: Split) -> _FeatureTable | None:
        rows = {name: values[0] for name, values in _features(cut, state, _first_two(split)).items()}
        large = len(split) * sum(row.numel() * row.element_size() for row in rows.values()) > self._budget_bytes
        if large and (state.device.type != "cpu" or self._folder is None):
            return None
        features = {name: _empty(len(split), row, self._folder if large else None) for name, row in rows.items()}
        return _FeatureTable(split, features, torch.zeros(len(split), dtype=torch.bool))

    def _keep(self, key: str, table: _FeatureTable) -> None:
        self._tables[key] = table
        while sum(kept.bytes for kept in self._tables.values()) > self._budget_bytes and len(self._tables) > 2:
            self._tables.popitem(last=False)


def _first_two(split: Split) -> Inputs:
    return split.take(torch.arange(min(2, len(split)), device=split.labels.device)).inputs


def _identity(inputs: Inputs) -> str:
    if isinstance(inputs, AbstractSource):
        return f"source {id(inputs)}"
    return " ".join(f"{name} {one.data_ptr()} {tuple(one.shape)}" for name, one in input_tensors(inputs).items())


def _untrained(state: TrainState) -> Callable[[nn.Module], bool]:
    """Return a function that tells whether no run ever trains a layer."""
    trained = {id(slot.tensor) for _, slot in state.identities.items() if slot.trainable}
    return lambda layer: not any(id(parameter) in trained for parameter in layer.parameters())


def _made_from(cut: Cut, state: TrainState) -> str:
    """Return a digest of everything that the features of given inputs depend on."""
    total = hashlib.sha256(f"{cut.name} {cut.below!r} {state.precision}".encode())
    for name, tensor in cut.below.state_dict().items():
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        total.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def _features(cut: Cut, state: TrainState, inputs: Inputs) -> Mapping[str, Tensor]:
    with torch.no_grad(), autocast(state.precision, state.device):
        return cut.features(inputs) or {}


def _read(split: Split, batches: Sequence[Tensor]) -> Iterator[Inputs]:
    """Yield the inputs of the examples at each of `batches`."""
    if split.source is not None:
        yield from ReadingAhead(split.source, ((NO_STEP, rows) for rows in batches), split.labels.device)
    else:
        yield from (split.take(rows.to(split.labels.device)).inputs for rows in batches)


def _keep_features(table: _FeatureTable, rows: Tensor, features: Mapping[str, Tensor]) -> None:
    for name, values in features.items():
        table.features[name][rows.to(values.device)] = values[: len(rows)]
    table.known[rows] = True


def _empty(count: int, row: Tensor, folder: Path | None) -> Tensor:
    shape = (count, *row.shape)
    if folder is None:
        return row.new_empty(shape)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder) as file:  # the mapping outlives the name
        return torch.from_file(file.name, shared=True, size=count * row.numel(), dtype=row.dtype).view(shape)
