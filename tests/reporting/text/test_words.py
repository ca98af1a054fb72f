import pytest

from harness.reporting.text.words import WORDS, used_in


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("two arms and their trunk", ["arm", "trunk"]),
        ("charming, overhead, tapered", []),
        ("grown at once", ["growth"]),
        ("IQM of the differences", ["interquartile mean"]),
        ("a head reads the taps", ["tap", "head"]),
        ("P, ADJUSTED AFTER HOLM", ["p, adjusted after Holm"]),
    ],
)
def test_a_word_is_found_whole_and_in_its_other_forms(text: str, words: list[str]) -> None:
    assert [word.word for word in used_in([text])] == words


def test_what_is_known_is_not_explained_again() -> None:
    assert [word.word for word in used_in(["an arm with a head"], known=["arm"])] == ["head"]


def test_every_word_has_one_meaning_in_a_sentence() -> None:
    assert len({word.word for word in WORDS}) == len(WORDS)
    assert all(word.meaning.endswith((".", ")")) for word in WORDS)
