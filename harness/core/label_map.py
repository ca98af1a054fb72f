"""The map from classes to heads, and to columns of the heads' joined logits."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Column", "LabelMap", "labels_of"]

Column = int | tuple[int, ...]


def labels_of(column: Column) -> tuple[int, ...]:
    """Return the classes of a column: one, or several that the network does not distinguish."""
    return (column,) if isinstance(column, int) else column


@dataclass(frozen=True, eq=False)
class LabelMap:
    """A map of the classes that can be seen now.

    Attributes:
        heads: names of the heads, in the order of their birth.
        column: `[classes]` int64; the class's column in the joined logits, or -1.
        head: `[classes]` int64; the index in `heads` of the class's head, or -1.
        within: `[classes]` int64; the class's column in its head's logits, or -1.
        arrival: `[classes]` int64; the growth since which the class can be seen, 0 from the start, or -1.
        arrivals: the growths at which classes arrived, in order.
        sizes: the number of columns of each head, including those of hidden classes.
        chosen: for each head, the columns `[visible]` of classes that can be seen; None for all.
    """

    heads: tuple[str, ...]
    column: Tensor
    head: Tensor
    within: Tensor
    arrival: Tensor
    arrivals: tuple[int, ...]
    sizes: tuple[int, ...]
    chosen: tuple[Tensor | None, ...]

    @classmethod
    def of(
        cls,
        classes: Mapping[str, Sequence[Column]],
        *,
        hidden: Collection[int] = (),
        arrived: Mapping[int, int] | None = None,
        device: torch.device | None = None,
    ) -> "LabelMap":
        """Join the heads' classes in the given order.

        Without any head, every class that is not hidden can be seen.

        Args:
            classes: by head, the class of each column, or the classes that share it.
            hidden: classes that cannot be seen yet; a column whose classes are all hidden is left out.
            arrived: by class, the growth since which it can be seen; 0 unless given.
            device: of the tensors.
        """
        since = arrived or {}
        every = [label for columns in classes.values() for column in columns for label in labels_of(column)]
        size = 1 + max(every or [0, *hidden, *since])
        seen = {head: columns for head, own in classes.items() if (columns := _visible(own, hidden))}
        arrival = _arrivals(seen if classes else None, size, hidden, since)
        return cls(
            heads=tuple(seen),
            **{name: table.to(device) for name, table in _indices(seen, size).items()},
            arrival=arrival.to(device),
            arrivals=tuple(sorted({growth for growth in arrival.tolist() if growth >= 0})),
            sizes=tuple(len(classes[head]) for head in seen),
            chosen=tuple(
                None if len(columns) == len(classes[head]) else torch.tensor(list(columns), device=device)
                for head, columns in seen.items()
            ),
        )

    def known(self, labels: Tensor) -> Tensor:
        """Return `[N]` bool: whether the class of each of `labels` `[N]` can be seen."""
        return self.arrival_of(labels) >= 0

    def arrival_of(self, labels: Tensor) -> Tensor:
        """Return `[N]` int64: the growth since which each of `labels` `[N]` can be seen, or -1."""
        size = len(self.arrival)
        beyond = torch.full_like(labels, -1 if self.heads else 0)
        return torch.where((labels >= 0) & (labels < size), self.arrival[labels.clamp(0, size - 1)], beyond)

    @property
    def columns(self) -> int:
        """The number of columns of the joined logits."""
        return sum(size if own is None else len(own) for size, own in zip(self.sizes, self.chosen, strict=True))

    def first_by_column(self, values: Tensor) -> Tensor:
        """Return `[columns]`: the smallest of `values` `[classes]`, int64, among the visible classes of each column."""
        places = torch.arange(self.columns, device=values.device)
        own = self.column == places[:, None]
        # A minimum over a mask: a GPU waits for no size, and has no scatter that is deterministic for all reductions.
        return values.where(own, torch.iinfo(torch.int64).max).amin(dim=1)

    def logits(self, outputs: Mapping[str, Tensor], index: int) -> Tensor:
        """Return the logits `[B, visible]` of the head `index`, for classes that can be seen."""
        logits, chosen = outputs[self.heads[index]], self.chosen[index]
        return logits if chosen is None else logits[:, chosen]

    def joined(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """Return the joined logits of all heads, for classes that can be seen."""
        if len(self.heads) == 1:
            return self.logits(outputs, 0)
        return torch.cat([self.logits(outputs, index) for index in range(len(self.heads))], dim=1)


def _visible(columns: Sequence[Column], hidden: Collection[int]) -> dict[int, tuple[int, ...]]:
    """Return the classes that can be seen, by column; columns without any are left out."""
    seen = {index: tuple(x for x in labels_of(column) if x not in hidden) for index, column in enumerate(columns)}
    return {index: labels for index, labels in seen.items() if labels}


def _indices(seen: Mapping[str, Mapping[int, tuple[int, ...]]], size: int) -> dict[str, Tensor]:
    """Return `column`, `head` and `within`, each `[size]`, for the classes of each head's columns."""
    tables = {name: torch.full((size,), -1) for name in ("column", "head", "within")}
    of_head = [enumerate(columns.values()) for columns in seen.values()]
    joined = [(head, within, labels) for head, columns in enumerate(of_head) for within, labels in columns]
    for column, (head, within, labels) in enumerate(joined):
        for name, index in (("column", column), ("head", head), ("within", within)):
            tables[name][list(labels)] = index
    return tables


def _arrivals(
    seen: Mapping[str, Mapping[int, tuple[int, ...]]] | None,
    size: int,
    hidden: Collection[int],
    since: Mapping[int, int],
) -> Tensor:
    """Return `[size]`: the growth since which each class can be seen, or -1; without heads, all but hidden ones can."""
    if seen is None:
        visible = set(range(size)) - set(hidden)
    else:
        visible = {label for columns in seen.values() for labels in columns.values() for label in labels}
    return torch.tensor([since.get(label, 0) if label in visible else -1 for label in range(size)])
