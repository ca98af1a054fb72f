import pytest

from harness.reporting.verification.differences import difference, has_numbers

TABLE = "trial,arm,seed,value\n0,frozen,1,0.5\n0,unfrozen,1,0.25\n"
CASES = [
    ("a.csv", TABLE, TABLE.replace("0.25", "0.26"),
     "row 2 (trial '0', arm 'unfrozen', seed '1'), column 'value': found '0.25', recomputed '0.26'"),
    ("a.csv", TABLE, TABLE.replace("seed", "seeds"), "has the columns"),
    ("a.csv", TABLE, TABLE + "1,frozen,1,0.5\n", "has 2 rows, recomputed 3: row 3 "
     "(trial '1', arm 'frozen', seed '1') is missing"),
    ("a.csv", TABLE, TABLE.replace("0.25", "0.25,9"), "row 2: found 4 cells, recomputed 5"),
    ("a.csv", "", TABLE, "has the columns '[]'"),
    ("a.csv", "x,y\n1,2\n", "x,y\n1,3\n", "row 1 ('1', '3'), column 'y'"),
    ("a.csv", TABLE, TABLE.replace("\n", "\r\n"), "holds the same values in other bytes"),
    ("a.json", '{"a": {"b": 1}}', '{"a": {"b": 2}}', "'a.b': found '1', recomputed '2'"),
    ("a.json", '{"a": 1}', '{"b": 1}', "'a': found '1', recomputed 'nothing'"),
    ("a.json", '{"a": 1}', '{"a":1}', "holds the same values in other bytes"),
    ("a.json", "{", "{}", "is not the one that follows from the data"),
    ("a.svg", "<svg/>", "<svg></svg>", "is not the one that follows from the data"),
    ("a.md", "one\ntwo\n", "one\n2\n", "line 2: found 'two', recomputed '2'"),
    ("a.md", "one\n", "one\ntwo\n", "line 2: found 'nothing', recomputed 'two'"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "found", "expected", "message"), CASES)
def test_the_place_and_both_values_are_named(path: str, found: str, expected: str, message: str) -> None:
    assert message in str(difference(path, found.encode(), expected.encode()))


def test_equal_bytes_do_not_differ() -> None:
    assert difference("a.png", b"\xff", b"\xff") is None


def test_a_picture_differs_as_a_whole() -> None:
    assert difference("a.png", b"\xff\xfe", b"\xff\xff") == "is not the one that follows from the data"


@pytest.mark.parametrize(("tolerance", "differs"), [(1e-9, False), (1e-15, True)])
def test_a_tolerance_lets_numbers_pass_that_are_close(tolerance: float, differs: bool) -> None:
    assert (difference("a.csv", b"x\n1.0\n", b"x\n1.000000000001\n", tolerance) is not None) == differs
    assert (difference("a.json", b"[1.0]", b"[1.000000000001]", tolerance) is not None) == differs


def test_a_tolerance_lets_no_word_pass() -> None:
    assert difference("a.json", b'{"a": "better"}', b'{"a": "worse"}', 1.0) is not None


def test_marks_that_turn_text_around_are_shown() -> None:
    assert "<U+202E>" in str(difference("a.md", "\u202e".encode(), b"x"))


def test_tables_and_summaries_have_numbers() -> None:
    assert [has_numbers(path) for path in ("a.csv", "a.json", "a.png", "a.html")] == [True, True, False, False]


def test_with_a_tolerance_a_sentence_may_have_other_words_but_no_other_numbers() -> None:
    said, otherwise, lied = b'a\n"About 5.0 points."\n', b'a\n"It is 5.0 points or so."\n', b'a\n"About 6.0 points."\n'

    assert difference("x.csv", otherwise, said, 1e-9) is None
    assert difference("x.csv", lied, said, 1e-9) is not None
    assert difference("x.csv", otherwise, said) is not None
    assert difference("x.csv", b"a\nfrozen\n", b"a\nunfrozen\n", 1e-9) is not None
