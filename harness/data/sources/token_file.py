"""A file of tokens, read in windows."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.core.errors import DataError
from harness.core.inputs import Inputs
from harness.data.sources._rows import RowsInFile

__all__ = ["TokenFile"]


class TokenFile(RowsInFile):
    """Windows of `length` tokens of one long sequence, as int64; example `i` begins at token `i * stride`.

    Of a text file with `dtype="uint8"` the tokens are its bytes.

    Args:
        path: of a file of nothing but tokens.
        length: of a window.
        dtype: of a token, as numpy names it.
        stride: from one window to the next; by default `length`, so that windows do not overlap.
        name: of the network's argument, such as `input_ids`; without one it gets a tensor.
        offset: bytes before the first token.
        settings: `workers` and `digest`, as in `NpyFile`.
    """

    def __init__(
        self,
        path: str | Path,
        length: int,
        *,
        dtype: str = "uint16",
        stride: int | None = None,
        name: str | None = None,
        offset: int = 0,
        **settings: Any,
    ) -> None:
        kind, found, step = np.dtype(dtype), Path(path), stride or length
        tokens = ((found.stat().st_size if found.is_file() else 0) - offset) // kind.itemsize
        if not (0 < length <= tokens) or step < 1 or kind.kind not in "iu":
            raise DataError(f"expected whole numbers, and a window of {length:,} of them in {path}, found {tokens:,}")
        count = (tokens - length) // step + 1
        super().__init__(path, kind, (count, length), offset=offset, stride=step * kind.itemsize, **settings)
        self._name = name

    def finish(self, stored: Inputs, device: torch.device) -> Inputs:
        """Return tokens as layers of embeddings take them; they become longer where the network is."""
        tokens = super().finish(stored, device).long()
        return tokens if self._name is None else {self._name: tokens}
