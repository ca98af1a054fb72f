import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import DataError
from harness.data import xlsx as xlsx_module
from harness.data.xlsx import read_sheet

Write = Callable[[Mapping[str, object]], bytes]
SHEET = "xl/worksheets/sheet1.xml"


def read(content: bytes, folder: Path) -> dict[str, torch.Tensor]:
    (folder / "book.xlsx").write_bytes(content)
    return read_sheet(folder / "book.xlsx")


@given(values=st.lists(st.tuples(*[st.floats(-1e300, 1e300)] * 3), min_size=1, max_size=5))
def test_numbers_are_read_to_the_bit(
    xlsx: Write, values: list[tuple[float, ...]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    fields: dict[str, object] = {"A1": "width", "C1": "depth & length", "AB1": "height"}
    fields = {place: text.replace("&", "&amp;") for place, text in fields.items() if isinstance(text, str)}
    for row, numbers in enumerate(values, start=2):
        fields |= {f"{letter}{row}": number for letter, number in zip(("A", "C", "AB"), numbers, strict=True)}

    found = read(xlsx(fields), tmp_path_factory.getbasetemp())

    assert list(found) == ["width", "depth & length", "height"]
    assert torch.stack(list(found.values()), dim=1).tolist() == [list(numbers) for numbers in values]


def test_empty_rows_and_columns_without_a_name_are_left_out(raw_xlsx: Callable[..., bytes], tmp_path: Path) -> None:
    cells = (
        '<c r="A3" t="inlineStr"><is><t>width</t></is></c><c r="A4"><v>1</v></c><c r="B4"><v>7</v></c>'
        '<c r="A5" s="4"/><c r="A9" t="str"><v>2.5</v></c>'
    )

    found = read(raw_xlsx(cells, []), tmp_path)

    assert {name: values.tolist() for name, values in found.items()} == {"width": [1.0, 2.5]}


def test_a_workbook_may_have_no_shared_texts(raw_xlsx: Callable[..., bytes], tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(raw_xlsx('<c r="A1" t="str"><v>w</v></c><c r="A2"><v>1</v></c>', []))) as book:
        sheet = book.read(SHEET)
    alone = io.BytesIO()
    with zipfile.ZipFile(alone, "w") as book:
        book.writestr(SHEET, sheet)

    assert read(alone.getvalue(), tmp_path)["w"].tolist() == [1.0]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"A1": "w", "A2": 1, "A3": "wide"}, r"expected a number in A3 of .*book.xlsx, found 'wide'; replace"),
        ({"A1": "w", "B1": "h", "A2": 1, "B2": 2, "B3": 3}, "expected a number in A3 of .*, found 'nothing'"),
        ({"A1": "w", "A2": "nan"}, "expected a number in A2 of .*, found 'nan'"),
        ({"A1": "w", "A2": "inf"}, "expected a number in A2 of .*, found 'inf'"),
        ({"A1": "w"}, "expected a row of names and rows of numbers in .*, found 1 names alone"),
        ({}, "expected a row of names and rows of numbers in .*, found 0 names alone"),
        ({"1A": "w"}, "expected an xlsx workbook at .*: a field at '1A'"),
        ({"A" * 9 + "1": "w"}, "expected an xlsx workbook at .*: a field at 'AAAAAAAAA1'"),
    ],
)
def test_a_fault_in_a_field_is_named(xlsx: Write, fields: Mapping[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(xlsx(fields), tmp_path)

    assert "\n" not in str(caught.value)


RAW = {
    "a truth": ('<c r="A1" t="str"><v>w</v></c><c r="A2" t="b"><v>1</v></c>', "a number in A2 of .*, found 'truth 1'"),
    "an error": ('<c r="A1" t="str"><v>w</v></c><c r="A2" t="e"><v>#N/A</v></c>', "in A2 .*, found 'error #N/A'"),
    "no such text": ('<c r="A1" t="s"><v>9</v></c>', "expected an xlsx workbook at .*: list index out of range"),
    "no number of a text": ('<c r="A1" t="s"><v>w</v></c>', "expected an xlsx workbook at .*: invalid literal"),
    "no place": ("<c><v>1</v></c>", "expected an xlsx workbook at .*: a field at ''"),
    "no end": ('<c r="A1">', "expected an xlsx workbook at .*: mismatched tag"),
}


@pytest.mark.parametrize(("cells", "message"), RAW.values(), ids=RAW)
def test_a_fault_in_a_sheet_is_one_clear_line(
    raw_xlsx: Callable[..., bytes], cells: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(raw_xlsx(cells, []), tmp_path)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "definitions",
    [
        '<!DOCTYPE w [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE w [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE w SYSTEM "http://127.0.0.1:9/w.dtd">',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_definitions_in_a_sheet_are_refused(
    raw_xlsx: Callable[..., bytes], definitions: str, encoding: str, tmp_path: Path
) -> None:
    with zipfile.ZipFile(io.BytesIO(raw_xlsx('<c r="A1" t="str"><v>w</v></c>', [], definitions))) as book:
        sheet = book.read(SHEET).decode().encode(encoding)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as book:
        book.writestr(SHEET, sheet)

    with pytest.raises(DataError, match=r"expected an xlsx workbook at .*: it has definitions of its own"):
        read(content.getvalue(), tmp_path)


def test_a_sheet_that_would_fill_memory_is_refused(
    xlsx: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx_module, "GREATEST_BYTES", 300)

    with pytest.raises(DataError, match=r"sheet1\.xml has \d+ bytes"):
        read(xlsx({f"A{row}": row for row in range(1, 99)}), tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _: b"", "expected an xlsx workbook at .*: File is not a zip file"),
        (lambda _: b"width,height\n1,2\n", "File is not a zip file"),
        (lambda content: content[: len(content) // 2], "File is not a zip file"),
        (lambda content: content.replace(b"sheet1.xml", b"sheet9.xml"), "There is no item named"),
        (lambda content: content[:60] + b"\xff" * 20 + content[80:], "expected an xlsx workbook at"),
    ],
)
def test_a_damaged_workbook_is_one_clear_line(
    xlsx: Write, change: Callable[[bytes], bytes], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(change(xlsx({"A1": "w", "A2": 1})), tmp_path)

    assert "\n" not in str(caught.value)
