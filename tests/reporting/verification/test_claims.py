import pytest

from harness.reporting.verification.claims import false_claim

EXPECTED = "> **Thawed is better: 7.66 points higher (5.89 to 9.43).**\n\n- +7.66: thawed minus frozen, points\n"


@pytest.mark.parametrize("found", [EXPECTED, "> **By 7.66.**\n", "- \N{MINUS SIGN}7.66: frozen minus thawed, points\n"])
def test_other_words_for_the_same_mean_are_no_false_claim(found: str) -> None:
    assert false_claim(found, EXPECTED) == ""


@pytest.mark.parametrize("found", ["", EXPECTED.replace("7.66", "17.66"), "- +9.9: a minus b, points\n"])
def test_another_mean_or_none_is(found: str) -> None:
    assert "follows from the data is +7.66" in false_claim(found, EXPECTED)


def test_where_nothing_can_be_compared_there_is_nothing_to_claim() -> None:
    assert false_claim("> **No data yet.**", "> **No data yet.**") == ""
