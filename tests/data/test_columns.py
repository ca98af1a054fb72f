import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from harness.core.errors import DataError
from harness.data.columns import read_columns


def written(folder: Path, content: bytes | dict[str, Any], name: str = "table.csv") -> Path:
    path = folder / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        parquet.write_table(pa.table(content), path)
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected a csv file at .*found none that can be read: Empty CSV file"),
        (b"a,b\n1,2\n3\n", "expected a csv file .*Expected 2 columns, got 1"),
        (b"a,a\n1,2\n", "expected one column 'a' in .*found 2; rename them"),
        (b"a\n\xff\xfe\n", "expected texts in UTF-8 in a column of .*Latin-1"),
        ("a,straße\n1,2\n".encode("latin-1"), "UTF-8 in the names of columns of .*byte 0xdf; is its encoding Latin-1"),
        ("a,“b”\n1,2\n".encode("cp1252"), "UTF-8 in the names of columns of .*byte 0x93; .*Windows-1252"),
        ("a,b\n1,2\n".encode("utf-16"), "expected texts in UTF-8 in all of .*the first bytes of UTF-16; save it as"),
    ],
)
def test_a_csv_file_that_cannot_be_read_is_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_columns(written(tmp_path, content), ["a"])

    assert "\n" not in str(caught.value)


def test_a_truncated_parquet_file_is_one_line(tmp_path: Path) -> None:
    path = written(tmp_path, {"a": [1, 2]}, "table.parquet")
    path.write_bytes(path.read_bytes()[:-9])

    with pytest.raises(DataError, match=r"expected a parquet file at .*Parquet magic bytes not found"):
        read_columns(path, ["a"])


def test_another_format_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"expected a table that ends in \.csv or \.parquet, found .*table\.xlsx"):
        read_columns(written(tmp_path, b"", "table.xlsx"), ["a"])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, None], "expected a value in column 'a', row 2, of .*found nothing"),
        ([datetime.date(2020, 1, 1)], "expected numbers in column 'a' of .*found date32"),
        (["1", "x"], "expected a number in column 'a', row 2, of .*found 'x'"),
    ],
)
def test_a_parquet_column_that_holds_no_numbers_is_named(tmp_path: Path, values: list[Any], message: str) -> None:
    columns = read_columns(written(tmp_path, {"a": values}, "table.parquet"), ["a"])

    with pytest.raises(DataError, match=message):
        columns.numbers("a")


@pytest.mark.parametrize("values", [[1, 0], [True, False], [1.0, 0.0], ["1", " 0 "]])
def test_numbers_of_every_type_are_read(tmp_path: Path, values: list[Any]) -> None:
    columns = read_columns(written(tmp_path, {"a": values}, "table.parquet"), ["a"])

    assert columns.numbers("a").tolist() == [1, 0]
    assert len(columns) == 2


def test_bytes_of_another_encoding_in_a_column_that_is_not_used_do_no_harm(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\n1,café\n".encode("latin-1"))

    assert read_columns(path, ["a"]).numbers("a").tolist() == [1]


def test_quoted_fields_byte_order_marks_and_line_ends_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, b'\xef\xbb\xbfa,b\r\n"x,\ny",007\r\nz,8\r\n')

    columns = read_columns(path, ["b", "a", "b"])

    assert columns.texts("a") == ["x,\ny", "z"]
    assert columns.texts("b") == ["007", "8"]
    assert columns.numbers("b").tolist() == [7, 8]
    assert columns.categories("b").tolist() == [0, 1]


@pytest.mark.parametrize("name", ["table.csv", "TABLE.CSV"])
def test_blanks_around_the_names_of_columns_may_be_left_out(tmp_path: Path, name: str) -> None:
    columns = read_columns(written(tmp_path, b"a, b,c , c\n1, 2,3,4\n", name), ["b", "a", " c"])

    assert [columns.texts(column) for column in ("b", "a", " c")] == [["2"], ["1"], ["4"]]
    with pytest.raises(DataError, match=r"expected one column 'c' in .*found 2; rename them"):
        read_columns(columns.path, ["c"])


def test_rows_without_any_value_are_no_rows(tmp_path: Path) -> None:
    columns = read_columns(written(tmp_path, b"a,b\n,\n , \n"), ["a", "b"])

    with pytest.raises(DataError, match=r"expected values in a, b of .*found none"):
        columns.without_empty_rows()


def test_a_text_far_below_whole_numbers_is_found_in_its_row(tmp_path: Path) -> None:
    path = written(tmp_path, b"a\n" + (b"1".rjust(99, b"0") + b"\n") * 12_000 + b"x\n")  # beyond the first megabyte

    with pytest.raises(DataError, match="row 12001"):
        read_columns(path, ["a"]).numbers("a")
