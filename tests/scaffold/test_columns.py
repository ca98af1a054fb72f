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
    assert read_table(written(tmp_path, 'a,b\n"1,5",2\n')).decimal == ","


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
        ("815;1.024,7", "2.365;812,5", ","),  # 2.365 may be a thousand, and 1.024,7 is one
    ],
)
def test_a_comma_stands_before_fractions_only_if_more_columns_are_numbers_then(
    tmp_path: Path, first: str, second: str, decimal: str
) -> None:
    assert read_table(written(tmp_path, f"a;b\n{first}\n{second}\n")).decimal == decimal


def test_a_field_in_quotes_may_hold_anything(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, 'a,b\n"x, y\nz",1\n'))

    assert table.columns[0].counts == {"x, y\nz": 1}


def test_names_may_have_commas_in_quotes_several_lines_and_blanks_around_them(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, '\n\r\n"length, mm";"two\nlines"; kind \n1;2;x\n', "TREES.CSV"))

    assert [column.name for column in table.columns] == ["length, mm", "two\nlines", "kind"]


def test_rows_in_which_all_fields_are_empty_are_no_rows(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "a,b,\n1,x,\n,,\n\n , ,\nnext,y,\n,,\n"))

    assert (table.rows, [column.blank for column in table.columns]) == (2, [0, 0, 2])
    assert table.columns[0].first_word == ("next", 4)


@pytest.mark.parametrize(
    ("names", "begins"),
    [
        ("5.1,3.5,0", True),
        ("5.1,3.5,setosa", True),
        ("1,2,3", True),
        ("country,2001,2002", False),  # years
        ("a,b,", False),
        (",1940,1945", False),
    ],
)
def test_a_first_line_of_numbers_seems_to_be_data(tmp_path: Path, names: str, begins: bool) -> None:
    assert read_table(written(tmp_path, f"{names}\n1,2,3\n")).begins_with_data is begins


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("Beetles\n\na,b\n1,2\n", "first line of .*plants.csv, found 'Beetles' above 2 fields; remove what is above"),
        ("# exported\na,b\n1,2\n", "found '# exported' above 2 fields; remove what is above the names"),
        ("sep=;\na;b\n1;2\n", "found 'sep=;'; remove what is above the names"),
        ("Beetles,,\na,b,c\n1,2,3\n", "found 'Beetles,,', which leaves most columns without; remove what is above"),
        ("1.4,1.4,x\n1,2,y\n", "expected names of columns in the first line of .*found '1.4' twice; write names above"),
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
