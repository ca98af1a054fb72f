"""Whether the files of a report that anybody may have written can be read as what they are called."""

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

import pyarrow.parquet as pq

from harness.reporting.data.wording import visible
from harness.reporting.publication.source_files import SOURCES

__all__ = ["rows_of", "unreadable"]

MOST_CELLS = 500_000_000  # of a Parquet file: a few bytes can stand for any number of equal values


def unreadable(files: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """Return the files that are no table or no JSON, whatever their name says, as (path, what)."""
    found = []
    for path, content in files.items():
        try:
            rows_of(path, content)
            if path.endswith(".json") and not isinstance(json.loads(content), dict):
                found.append((path, "cannot be read: expected an object"))
        except Exception as error:  # noqa: BLE001  # whatever a forged file makes its reader do
            found.append((path, f"cannot be read: {type(error).__name__}: {visible(str(error)):.100}"))
    return sorted(found, key=lambda problem: (problem[0] not in SOURCES, problem[0]))


def rows_of(path: str, content: bytes) -> int | None:
    """Return how many rows a table has; None for a file that is none.

    Raises:
        ValueError: it has more cells than any report.
        Exception: it cannot be read.
    """
    if path.endswith(".parquet"):
        return _rows(pq.read_metadata(io.BytesIO(content)))
    if path.endswith(".csv"):
        return max(sum(1 for _ in csv.reader(io.StringIO(content.decode(), newline=""))) - 1, 0)
    return None


def _rows(metadata: Any) -> int:
    rows, columns = int(metadata.num_rows), int(metadata.num_columns)
    sizes = [int(metadata.row_group(place).total_byte_size) for place in range(metadata.num_row_groups)]
    if rows * columns > MOST_CELLS or sum(sizes) > 8 * MOST_CELLS:
        raise ValueError(f"expected at most {MOST_CELLS:,} cells, found {rows:,} rows of {columns:,}")
    return rows
