import pytest

from harness.reporting.data.wording import number, setting, signed, visible


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.00"), (-0.001, "0.00"), (-1.5, "\N{MINUS SIGN}1.50"), (float("nan"), "\N{EN DASH}")],
)
def test_numbers_have_a_true_minus_and_no_negative_zero(value: float, text: str) -> None:
    assert number(value, 2) == text


def test_only_what_is_positive_after_rounding_has_a_plus() -> None:
    assert [signed(value, 1) for value in (0.06, 0.04, -0.06)] == ["+0.1", "0.0", "\N{MINUS SIGN}0.1"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"),
        (False, "no"),
        (0.1 + 0.2, "0.3"),
        ([1, 2.5], "1, 2.5"),
        ({"kind": "zeros"}, "zeros"),
        ({"kind": "plateau", "patience": 3, "drop": 0.5}, "plateau patience 3, drop 0.5"),
        ({}, "none"),
        ((), "none"),
    ],
)
def test_searched_values_are_short_words(value: object, text: str) -> None:
    assert setting(value) == text


def test_what_could_disguise_a_text_is_shown() -> None:
    assert visible("a\u202eb\x07c\nd") == "a<U+202E>b<U+0007>c d"
