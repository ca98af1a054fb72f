import pytest

from harness.reporting.verification.claims import false_claim, false_verdict

EXPECTED = "> **Thawed is better: 7.66 points higher (5.89 to 9.43).**\n\n- +7.66: thawed minus frozen, points\n"


@pytest.mark.parametrize("found", [EXPECTED, "> **By 7.66.**\n", "- \N{MINUS SIGN}7.66: frozen minus thawed, points\n"])
def test_other_words_for_the_same_mean_are_no_false_claim(found: str) -> None:
    assert false_claim(found, EXPECTED) == ""


@pytest.mark.parametrize("found", ["", EXPECTED.replace("7.66", "17.66"), "- +9.9: a minus b, points\n"])
def test_another_mean_or_none_is(found: str) -> None:
    assert "follows from the data is +7.66" in false_claim(found, EXPECTED)


def test_where_nothing_can_be_compared_there_is_nothing_to_claim() -> None:
    assert false_claim("> **No data yet.**", "> **No data yet.**") == ""


SENTENCE = "Unfrozen is meaningfully better than frozen: by 2.80 points."
PAGES = {
    "md": "## Verdict: meaningfully better\n\n> **{}**\n",
    "html": '<p class="answer">{}</p>\n',
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize(
    "claim",
    [
        "Frozen is meaningfully better than unfrozen: by 2.80 points.",
        "Unfrozen is better than frozen: by 2.80 points.",
        "Unfrozen and frozen are practically equivalent: 2.80 points.",
        "Inconclusive: 2.80 points",
    ],
)
def test_another_verdict_or_other_arms_are_a_false_verdict(page: str, claim: str) -> None:
    said = false_verdict(page.format(claim), page.format(SENTENCE))

    assert said.endswith("the verdict that follows from the data is Unfrozen is meaningfully better than frozen")


def test_another_kind_above_the_sentence_is_a_false_verdict() -> None:
    page = PAGES["md"].format(SENTENCE)

    assert "claims inconclusive" in false_verdict(page.replace(": meaningfully better\n", ": inconclusive\n"), page)


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("claim", [SENTENCE, SENTENCE.replace("by 2.80 points", "2.80 more"), "By 2.80."])
def test_other_words_around_it_are_none(page: str, claim: str) -> None:
    assert false_verdict(page.format(claim), page.format(SENTENCE)) == ""
