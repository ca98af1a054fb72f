"""Data sets of the library `datasets`."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from harness.core.errors import DataError
from harness.core.spec import did_you_mean
from harness.data.sources._items import AbstractItems

__all__ = ["HuggingFaceRows"]


class HuggingFaceRows(AbstractItems):
    """Columns of a `datasets.Dataset`: one column is one input, several are inputs by name.

    A transform of the data set (`set_transform`, `with_transform`) is applied when examples are read.

    Args:
        dataset: a `datasets.Dataset`, not an iterable one.
        columns: the name of the column, or those of several, such as `("input_ids", "attention_mask")`.
        draws: whether a transform draws random numbers.
        settings: `collate`, `normalize`, `workers` and `digest`, as in `AbstractItems`.

    Raises:
        DataError: it cannot be indexed, or has no such column.
    """

    def __init__(self, dataset: Any, columns: str | Sequence[str], *, draws: bool = False, **settings: Any) -> None:
        if not hasattr(dataset, "column_names") or not hasattr(dataset, "__len__"):
            raise DataError(f"expected a datasets.Dataset that can be indexed, found {type(dataset).__name__}")
        super().__init__(draws=draws, **settings)
        self._dataset, self._columns = dataset, columns
        names = [columns] if isinstance(columns, str) else list(columns)
        present = list(dataset[0] if len(dataset) else dataset.column_names)  # a transform may make other columns
        if missing := [name for name in names if name not in present]:
            raise DataError(f"no column {missing[0]!r} in the data set.{did_you_mean(missing[0], present)}")

    def __len__(self) -> int:
        return len(self._dataset)

    def item(self, index: int) -> Any:
        """Return the columns of one row."""
        return self._chosen(self._dataset[index])

    def items(self, indices: Sequence[int]) -> list[Any]:
        """Return those of several rows, which are read at once."""
        batch = self._dataset[list(indices)]
        names = [self._columns] if isinstance(self._columns, str) else self._columns
        rows = zip(*(batch[name] for name in names), strict=True)
        return [self._chosen(dict(zip(names, row, strict=True))) for row in rows]

    def labels(self, column: str = "label") -> Tensor:
        """Return a column of classes `[N]`."""
        return torch.as_tensor(list(self._dataset.with_format(None)[column])).long()

    def _chosen(self, row: Any) -> Any:
        return row[self._columns] if isinstance(self._columns, str) else {name: row[name] for name in self._columns}
