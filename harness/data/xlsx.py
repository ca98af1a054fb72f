"""The first sheet of an Excel workbook (ECMA-376): a row of names, then rows of numbers."""

import lzma
import math
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import torch
from torch import Tensor

from harness.core.errors import DataError

__all__ = ["read_sheet"]

SHEET, SHARED_TEXTS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
NAMESPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
GREATEST_BYTES = 64 * 2**20
FAULTS = (
    OSError, EOFError, LookupError, ValueError, RuntimeError, MemoryError, lzma.LZMAError, zipfile.BadZipFile,
    zlib.error, ElementTree.ParseError,
)  # fmt: skip

Rows = dict[int, dict[str, str]]


def read_sheet(path: Path) -> dict[str, Tensor]:
    """Return the sheet's columns by name, each `[N]` float64; empty rows are left out.

    Raises:
        DataError: it is no workbook, has no rows, or a field below a name holds no number.
    """
    try:
        rows = _rows(path)
    except FAULTS as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(f"expected an xlsx workbook at {path}, found none that can be read: {reason}") from None
    names = rows.pop(min(rows, default=0), {})
    if not rows:
        raise DataError(f"expected a row of names and rows of numbers in {path}, found {len(names)} names alone")
    table = [[_number(cells, letter, row, path) for letter in names] for row, cells in rows.items()]
    return dict(zip(names.values(), torch.tensor(table, dtype=torch.float64).T, strict=True))


class _WithoutDefinitions(ElementTree.TreeBuilder):
    """Refuses XML definitions, which no workbook has and which can expand a short file without limit."""

    def doctype(self, *_: object) -> None:
        raise ValueError("it has definitions of its own")


def _rows(path: Path) -> Rows:
    """Return the fields that are not empty, by row and by letter of the column."""
    rows: Rows = {}
    with zipfile.ZipFile(path) as book:
        held = SHARED_TEXTS in book.namelist()
        texts = ["".join(item.itertext()) for item in _xml(book, SHARED_TEXTS)] if held else []
        for reference, text in _fields(_xml(book, SHEET), texts):
            if not (letter_and_row := re.fullmatch(r"([A-Z]{1,3})([0-9]{1,7})", reference)):
                raise ValueError(f"a field at {reference!r:.40}")
            letter, row = letter_and_row.groups()
            rows.setdefault(int(row), {})[letter] = text
    return rows


def _xml(book: zipfile.ZipFile, name: str) -> ElementTree.Element:
    if (size := book.getinfo(name).file_size) > GREATEST_BYTES:
        raise ValueError(f"{name} has {size} bytes")
    return ElementTree.fromstring(book.read(name), ElementTree.XMLParser(target=_WithoutDefinitions()))


def _fields(sheet: ElementTree.Element, texts: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the reference, such as `B3`, and the text of each field that is not empty."""
    for cell in sheet.iter(f"{NAMESPACE}c"):
        value = cell.findtext(f"{NAMESPACE}v", "")
        kind = cell.get("t", "n")
        if kind == "s":
            value = texts[int(value)]
        elif kind == "inlineStr":
            value = "".join(cell.itertext())
        elif kind in ("b", "e"):
            value = f"{'truth' if kind == 'b' else 'error'} {value}"
        if value:
            yield cell.get("r", ""), value


def _number(cells: dict[str, str], letter: str, row: int, path: Path) -> float:
    text = cells.get(letter, "nothing")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"expected a number in {letter}{row} of {path}, found {text!r:.40}; replace the file")
    return value
