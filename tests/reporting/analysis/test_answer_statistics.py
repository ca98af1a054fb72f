import numpy as np
import pytest
from sklearn import metrics as sk

from harness.core.answers import NOT_ASKED
from harness.reporting.analysis.answer_statistics import statistic_of

STREAM = np.random.default_rng(0)
TRUTH = STREAM.choice(5, size=900, p=[0.4, 0.3, 0.15, 0.1, 0.05])
# Right in two of three cases; the last answer is of a class without examples.
ANSWERS = np.where(STREAM.random(900) < 0.67, TRUTH, STREAM.choice(6, size=900))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("accuracy", sk.accuracy_score(TRUTH, ANSWERS)),
        ("balanced_accuracy", sk.recall_score(TRUTH, ANSWERS, average="macro", labels=range(5))),
        ("macro_f1", sk.f1_score(TRUTH, ANSWERS, average="macro", labels=range(5))),
    ],
)
def test_the_mean_of_what_examples_add_is_the_metric(kind: str, expected: float) -> None:
    statistic = statistic_of(kind, classified=True)
    assert statistic is not None

    value, added = statistic.parts(ANSWERS, TRUTH, None)

    assert value == pytest.approx(expected)
    assert added.mean() == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["balanced_accuracy", "macro_f1"])
@pytest.mark.parametrize("classes", [None, np.array([1, 4])], ids=["all", "some"])
def test_its_spread_is_that_of_a_bootstrap_over_examples(kind: str, classes: np.ndarray | None) -> None:
    statistic = statistic_of(kind, classified=True)
    assert statistic is not None
    stream = np.random.default_rng(1)
    drawn = [stream.integers(0, 900, size=900) for _ in range(400)]

    _, added = statistic.parts(ANSWERS, TRUTH, classes)

    values = [statistic.parts(ANSWERS[rows], TRUTH[rows], classes)[0] for rows in drawn]
    assert added.std() / 30 == pytest.approx(np.std(values), rel=0.12)


def test_what_was_not_asked_adds_nothing() -> None:
    statistic = statistic_of("macro_f1", classified=True)
    assert statistic is not None
    some = np.arange(900) % 3 == 0

    value, added = statistic.parts(np.where(some, NOT_ASKED, ANSWERS), TRUTH, None)

    assert value == statistic.parts(ANSWERS[~some], TRUTH[~some], None)[0]
    assert (np.isnan(added) == some).all()


def test_answers_do_not_tell_how_probable_they_were() -> None:
    assert statistic_of("auroc", classified=True) is None
    assert statistic_of("macro_f1", classified=False) is None
