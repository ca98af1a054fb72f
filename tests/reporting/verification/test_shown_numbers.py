import pytest

from harness.reporting.verification.shown_numbers import compare_shown

TEXT = "12 configurations: +7.66 points, 1,234.5 s, p = 0.00012, \N{MINUS SIGN}0.90 kWh"


@pytest.mark.parametrize(
    "other",
    [
        TEXT,
        TEXT.replace("7.66", "7.67"),
        TEXT.replace("1,234.5", "1,234.4"),
        TEXT.replace("\N{MINUS SIGN}0.90", "\N{MINUS SIGN}0.91"),
    ],
)
def test_one_in_the_last_digit_is_near(other: str) -> None:
    assert compare_shown(TEXT, other, 1e-9) is None


@pytest.mark.parametrize(
    ("old", "new"), [("7.66", "7.68"), ("12 ", "13 "), ("0.00012", "0.0001"), ("1,234.5", "1,134.5")]
)
def test_another_number_is_named_with_the_words_before_it(old: str, new: str) -> None:
    kind, what = compare_shown(TEXT.replace(old, new), TEXT, 1e-9) or ("", "")

    assert kind == "numbers"
    assert f"found {new.strip()}" in what
    assert f"recomputed {old.strip()}" in what


def test_a_wide_tolerance_lets_more_pass() -> None:
    assert compare_shown(TEXT, TEXT.replace("1,234.5", "1,235.5"), 1e-2) is None


@pytest.mark.parametrize(
    "other", [TEXT.replace("points", "steps"), TEXT + " 3", TEXT.replace(" \N{MINUS SIGN}0.90", "")]
)
def test_other_words_say_nothing_about_numbers(other: str) -> None:
    kind, _ = compare_shown(other, TEXT, 1e-9) or ("", "")

    assert kind == "words"


def test_a_line_of_other_words_hides_no_number_in_another_line() -> None:
    kind, what = compare_shown("other words\nmean 1.50", "these words\nmean 2.50", 1e-9) or ("", "")

    assert (kind, "found 1.50" in what) == ("numbers", True)


@pytest.mark.parametrize(
    ("one", "other"), [("## 2 Runs", "## 8 Runs"), ("5 of 10 checks passed", "6 of 11 checks passed")]
)
def test_what_versions_count_otherwise_counts_as_words(one: str, other: str) -> None:
    kind, what = compare_shown(one, other, 1e-9) or ("", "")

    assert (kind, f"such as {one!r}" in what) == ("words", True)
