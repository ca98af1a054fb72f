import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.written_numbers import has_separated_thousands, is_missing, written_number


@given(st.one_of(st.text("0123456789+-.eE_ ,nai", max_size=6), st.floats().map(str), st.integers().map(str)))
def test_a_number_is_one_that_tables_read_too(text: str) -> None:
    try:
        read = pa.scalar(text).cast(pa.float64()).as_py()
    except pa.ArrowInvalid:
        read = float("nan")
    finite = None if read - read != 0.0 else read

    assert written_number(text) == finite or text != text.strip()
    assert written_number(text.replace(".", ","), ",") == written_number(text) or "," in text


@pytest.mark.parametrize("text", ["1_000", "\N{ARABIC-INDIC DIGIT ONE}", "inf", "nan", "1e400", "", "1 000", "0x1"])
def test_what_is_no_finite_number_is_none(text: str) -> None:
    assert written_number(text) is None


@pytest.mark.parametrize("text", ["NA", "n/a", "NaN", "?", "-", "NULL", "None", ""])
def test_texts_that_stand_for_a_missing_number_are_known(text: str) -> None:
    assert is_missing(text)


@pytest.mark.parametrize(
    ("text", "decimal", "separated"),
    [
        ("1,234", ".", True),
        ("-12,345,678.5", ".", True),
        ("1.234,5", ",", True),
        ("1234", ".", False),
        ("0,123", ".", False),
        ("1,23", ".", False),
        ("1234,567", ".", False),
        ("1.234", ".", False),
    ],
)
def test_separated_thousands_are_known(text: str, decimal: str, separated: bool) -> None:
    assert has_separated_thousands(text, decimal) is separated
