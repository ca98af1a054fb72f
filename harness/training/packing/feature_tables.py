"""Features that were computed once, from which a batch of each network is taken at once."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

__all__ = ["FeatureTables"]

MOST_BYTES = 2**26  # of a copy of all tables; larger ones are read where they are


class FeatureTables:
    """The features `[N, ...]` of all examples by name, of K networks.

    Args:
        tables: of each network; those of one name have the same shape.
    """

    def __init__(self, tables: Sequence[Mapping[str, Tensor]]) -> None:
        self._tables = tables
        self._joined = _joined(tables)

    def take(self, indices: Sequence[Tensor]) -> list[dict[str, Tensor]]:
        """Return the features of some examples of each network, `[B, ...]` by name."""
        if self._joined is None:
            rows = zip(self._tables, indices, strict=True)
            return [{name: values[own] for name, values in table.items()} for table, own in rows]
        size = len(self._tables[0][next(iter(self._joined))])
        starts = torch.arange(0, size * len(indices), size)
        places = (torch.stack(list(indices)) + starts.unsqueeze(1)).flatten()
        columns = {
            name: values.index_select(0, places).unflatten(0, (len(indices), -1)).unbind()
            for name, values in self._joined.items()
        }
        return [{name: column[row] for name, column in columns.items()} for row in range(len(indices))]


def _joined(tables: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor] | None:
    """Return the features of all networks, below each other; None if they are too large, or not alike."""
    kinds = [{name: (values.shape, values.dtype, values.device) for name, values in table.items()} for table in tables]
    sizes = {len(values) for table in tables for values in table.values()}
    held = sum(values.numel() * values.element_size() for table in tables for values in table.values())
    if any(kind != kinds[0] for kind in kinds) or len(sizes) != 1 or held > MOST_BYTES:
        return None
    return {name: torch.cat([table[name] for table in tables]) for name in tables[0]}
