from harness.growth.freezing import Candidate, Nothing, OldParameters

CANDIDATES = (Candidate("0/a", "a", 0), Candidate("1/b", "b", 1), Candidate("2/c", "c", 2))


def test_old_parameters_are_those_born_before_the_growth() -> None:
    assert OldParameters().frozen(CANDIDATES, growth=2, age=0) == {"0/a", "1/b"}


def test_nothing_freezes_nothing() -> None:
    assert Nothing().frozen(CANDIDATES, growth=2, age=0) == frozenset()
