from collections.abc import Iterable

import pytest

from harness.scaffold.column import Column


def of(values: Iterable[object], decimal: str = ".") -> Column:
    column = Column("width", decimal)
    for row, value in enumerate(values, start=1):
        column.add(str(value), row)
    return column


@pytest.mark.parametrize("missing", ["NA", "?", "nan", "N/A", "-"])
def test_a_column_of_numbers_may_have_texts_for_missing_values(missing: str) -> None:
    width, kind = of(["1.5", missing, "", "2.5"]), of(["oak", missing, "elm", "elm"])

    assert (width.is_number, width.empty, width.missing, list(width.counts)) == (True, 2, {missing: 1}, ["1.5", "2.5"])
    assert width.standard_deviation == 0.5
    assert (kind.is_number, kind.empty, kind.counts) == (False, 0, {"oak": 1, missing: 1, "elm": 2})


@pytest.mark.parametrize(
    ("values", "mostly", "words", "first"),
    [
        ("1 2 abc 4 x", True, 2, ("abc", 3)),
        ("12% 15% 20%", True, 3, ("12%", 1)),
        ("<0.1 9.16 8 inf", True, 2, ("<0.1", 1)),
        ("\N{MINUS SIGN}0.5 1_000 $5.20 (3) 1,234", True, 5, ("\N{MINUS SIGN}0.5", 1)),
        ("1 a b", False, 2, ("a", 2)),
        ("oak elm", False, 2, ("oak", 1)),
        ("2020-01-02 12:30 18-24 5th", False, 4, ("2020-01-02", 1)),
        ("1 2 NA", False, 0, ("", 0)),
    ],
)
def test_words_among_numbers_are_counted(values: str, mostly: bool, words: int, first: tuple[str, int]) -> None:
    column = of(values.split())

    assert (column.is_mostly_numbers, column.words, column.first_word) == (mostly, words, first)
    assert column.is_number is (not words)


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
def test_thousands_that_are_separated_are_seen(values: str, found: str) -> None:
    assert of(values.split()).separated_thousands == found


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ("815 2.365 NA", "2.365"),
        ("-815 -2.365 0", "-2.365"),
        ("2.365 1.269", "2.365"),  # every number has a fraction of three digits
        ("815 2.365 0.125", ""),
        ("815 2.365 12.3456", ""),
        ("815 1234.567", ""),
        ("1815 2.365", ""),
        ("815 2.365 2.5", ""),
        ("815 1e4 2.365", ""),
        ("815 2.365 oak", ""),
        ("815 1234", ""),
    ],
)
@pytest.mark.parametrize("decimal", [".", ","])
def test_a_fraction_that_may_be_a_thousand_is_seen_unless_another_number_tells(
    values: str, found: str, decimal: str
) -> None:
    column = of(values.replace(".", decimal).split(), decimal)

    assert column.perhaps_thousands == found.replace(".", decimal)
    assert column.has_whole_numbers is (column.is_number and any(text.isdigit() for text in values.split()))


@pytest.mark.parametrize(
    ("values", "sentinel"),
    [
        ("-999 0.7 -3.2 -999", "-999"),
        ("9999.0 -9999 1 2 -9999 9999.0", "9999.0"),
        ("97 98 99 99", ""),  # near the others
        ("-999 1 2", ""),  # once
        ("-999 -999 5", ""),  # no others to be far from
        ("-999 -999 oak 1 2", ""),
        ("-998 -998 1 2", ""),
    ],
)
def test_a_repeated_number_of_nines_far_from_all_others_is_seen(values: str, sentinel: str) -> None:
    assert of(values.split()).sentinel == sentinel


def test_values_are_sorted_by_their_size() -> None:
    numbers, texts = of(["10,5", "9", "NA", "-1"], ","), of(["x10", "x9", "x1"])

    assert (numbers.sorted_values, texts.sorted_values) == (["-1", "9", "10,5"], ["x1", "x10", "x9"])


@pytest.mark.parametrize(
    ("values", "counts"), [("789", True), ("978", True), ("788", False), ("790", False), ("7 9", False)]
)
def test_consecutive_numbers_count_rows(values: str, counts: bool) -> None:
    assert of(value.strip() for value in values).counts_rows is counts


def test_an_identifier_of_more_values_than_are_kept_may_still_repeat() -> None:
    once, often = of(range(3000)), of(row // 2 for row in range(3000))

    assert (once.numbers_rows, often.numbers_rows) == (True, False)


def test_small_differences_of_large_numbers_are_seen() -> None:
    assert of([1.7e9 + row / 1000 for row in range(11)]).standard_deviation == pytest.approx(10**0.5 / 1000, rel=1e-3)
