from pathlib import Path

import pytest

from harness.core.errors import DataError
from harness.scaffold.columns import read_table


def written(folder: Path, content: str | bytes, name: str = "plants.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_columns_are_looked_at_in_one_pass(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "\ufeffid,width,kind\n1,1.5,oak\n2,,elm\n3,2.5,oak\n\n"))

    identifier, width, kind = table.columns
    assert (table.rows, table.delimiter) == (3, ",")
    assert [column.name for column in table.columns] == ["id", "width", "kind"]
    assert (identifier.is_whole, identifier.numbers_rows) == (True, True)
    assert identifier.standard_deviation == pytest.approx((2 / 3) ** 0.5)
    assert (width.is_number, width.is_whole, width.empty) == (True, False, 1)
    assert (kind.is_number, kind.counts) == (False, {"oak": 2, "elm": 1})


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_what_divides_fields_is_seen_in_the_first_line(tmp_path: Path, delimiter: str) -> None:
    assert read_table(written(tmp_path, f"a{delimiter}b\n1{delimiter}2\n")).delimiter == delimiter


def test_a_decimal_comma_is_seen_in_the_numbers_and_a_point_among_them_is_none(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "a;b;c;d\n1,5;-2;x;1,5\n2,5;3;y, z;1.500\n"))

    assert (table.delimiter, table.decimal) == (";", ",")
    assert [column.is_number for column in table.columns] == [True, True, False, False]
    assert table.columns[0].standard_deviation == 0.5
    assert read_table(written(tmp_path, 'a,b\n"1,5",2\n')).decimal == "."


@pytest.mark.parametrize(
    ("first", "second", "decimal"),
    [
        ("1,000;2", "2,500;3", "."),  # thousands, for all that can be seen
        ("1,234,567;2", "2,500;3", "."),
        ("1,000;2,5", "2,500;3", ","),
        ("1,000;0,125", "2,500;0,250", ","),  # no thousand begins with 0
        ("1234,567;2", "2,500;3", ","),
        ("-,5;2", "1,5e-3;3", ","),
        ("1.5;1,2", "2.5;28,12", "."),  # as many columns are numbers either way: lists of numbers, perhaps
        ("1.5;2.5", "2,5;3.5", "."),
    ],
)
def test_a_comma_stands_before_fractions_only_if_more_columns_are_numbers_then(
    tmp_path: Path, first: str, second: str, decimal: str
) -> None:
    assert read_table(written(tmp_path, f"a;b\n{first}\n{second}\n")).decimal == decimal


@pytest.mark.parametrize("missing", ["NA", "?", "nan", "N/A", "-"])
def test_a_column_of_numbers_may_have_texts_for_missing_values(tmp_path: Path, missing: str) -> None:
    width, kind = read_table(written(tmp_path, f"a,b\n1.5,oak\n{missing},{missing}\n,elm\n2.5,elm\n")).columns

    assert (width.is_number, width.empty, width.missing, list(width.counts)) == (True, 2, {missing: 1}, ["1.5", "2.5"])
    assert width.standard_deviation == 0.5
    assert (kind.is_number, kind.empty, kind.counts) == (False, 0, {"oak": 1, missing: 1, "elm": 2})


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ("1,234 12 NA", "1,234"),
        ("1,234,567.8 2.5", "1,234,567.8"),
        ("1,234 oak", ""),
        ("12,34 1", ""),
        ("0,123 1", ""),
        ("1 2", ""),
    ],
)
def test_thousands_that_are_separated_are_seen(tmp_path: Path, values: str, found: str) -> None:
    content = "a;b\n" + "".join(f"{value};1\n" for value in values.split())

    assert read_table(written(tmp_path, content)).columns[0].separated_thousands == found


def test_values_are_sorted_by_their_size(tmp_path: Path) -> None:
    numbers, texts = read_table(written(tmp_path, "a;b\n10,5;x10\n9;x9\nNA;x1\n-1;x1\n")).columns

    assert (numbers.sorted_values, texts.sorted_values) == (["-1", "9", "10,5"], ["x1", "x10", "x9"])


@pytest.mark.parametrize(
    ("values", "counts"), [("789", True), ("978", True), ("788", False), ("790", False), ("7 9", False)]
)
def test_consecutive_numbers_count_rows(tmp_path: Path, values: str, counts: bool) -> None:
    table = read_table(written(tmp_path, "a,b\n" + "".join(f"{value.strip()},1\n" for value in values)))

    assert table.columns[0].counts_rows is counts


def test_a_field_in_quotes_may_hold_anything(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, 'a,b\n"x, y\nz",1\n'))

    assert table.columns[0].counts == {"x, y\nz": 1}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "expected names of columns and rows in .*plants.csv, found no rows"),
        ("a,b\n", "expected names of columns and rows in .*plants.csv, found no rows"),
        ("a,a\n1,2\n", "expected one column 'a' in .*, found 2; rename them"),
        ("a,b\n1,2\n3\n", "expected 2 fields in row 2 of .*plants.csv, found 1"),
        ("größe\n1\n".encode("latin-1"), "expected texts in UTF-8 in .*plants.csv, found other bytes"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(tmp_path: Path, content: str | bytes, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_table(written(tmp_path, content))


@pytest.mark.parametrize(("name", "said"), [("x.parquet", "ends in .csv"), ("nope.csv", "found none that can be read")])
def test_another_file_is_refused(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_table(tmp_path / name)
