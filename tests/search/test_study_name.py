import pytest

from harness.search.study_name import check_study_name


@pytest.mark.parametrize("name", ["a", "late-classes", "0_1", "a" * 80])
def test_names_that_can_be_used_are_returned(name: str) -> None:
    assert check_study_name(name) == name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Not A Name", "that begins with a letter or digit, such as 'not-a-name'; found 'Not A Name'"),
        ("-wide", "such as 'wide'; found '-wide'"),
        ("../up", "such as 'up'; found '../up'"),
        ("wide\n", "such as 'wide'; found 'wide\\\\n'"),
        ("", "letter or digit; found ''"),
        ("ß", "letter or digit; found 'ß'"),
        ("a" * 81, "at most 80 characters, found 81: 'aaaa"),
    ],
)
def test_another_is_refused_with_one_that_is_like_it(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_study_name(name)
