"""A made-up raw example, by which lines of a model card can be tried."""

from typing import Any

import torch

from harness.data.preprocessing import RawArray, RawCharacters, RawColumn, RawInputs, RawRows

__all__ = ["EXAMPLE", "raw_example", "raw_example_lines"]

EXAMPLE = "example.csv"


def raw_example(raw: RawInputs) -> Any:
    """Return two raw examples, or a row of a table, with the mean of each number and each first category."""
    if isinstance(raw, RawRows):
        return [{column.name: _field(column, raw.decimal) for column in raw.columns}]
    if isinstance(raw, RawArray):
        return torch.zeros((2, *raw.stored), dtype=getattr(torch, raw.dtype))
    if isinstance(raw, RawCharacters):
        return [raw.characters[0] * raw.length, raw.characters[-1] * raw.length]
    return ["a text", "another text"]


def raw_example_lines(raw: RawInputs, library: str) -> str:
    """Return Python code of the same, by the library of arrays of that name."""
    if isinstance(raw, RawRows):
        return f'preprocessing.read("{EXAMPLE}")'
    if isinstance(raw, RawArray):
        return f"{library}.zeros({(2, *raw.stored)}, dtype={library}.{raw.dtype})"
    if isinstance(raw, RawCharacters):
        return f"[{raw.characters[0]!r} * {raw.length}, {raw.characters[-1]!r} * {raw.length}]"
    return str(raw_example(raw))


def _field(column: RawColumn, decimal: str) -> str:
    return column.categories[0] if column.categories else f"{column.mean:.6g}".replace(".", decimal)
