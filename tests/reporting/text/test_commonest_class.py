from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest

from harness.reporting.data.answers import AnswerFrames
from harness.reporting.data.study_data import StudyData
from harness.reporting.text.commonest_class import commonest_class, what_little_shows

METRIC = "test/accuracy/all"


@pytest.fixture
def tested(study_data: Callable[..., StudyData]) -> Callable[..., StudyData]:
    def of(*truth: int, groups: int | None = None) -> StudyData:
        group = [place % (groups or len(truth)) for place in range(len(truth))]
        examples = pd.DataFrame({"truth": truth, "group": group})
        return replace(study_data(trials=1, seeds=1), answers=AnswerFrames(examples, pd.DataFrame()))

    return of


def test_it_is_said_what_the_commonest_class_alone_would_reach(tested: Callable[..., StudyData]) -> None:
    data = tested(*[0] * 20, *[1] * 12, *[2] * 8)

    assert commonest_class(data, data.measure(METRIC)) == [
        "Always answering the commonest class would be right for 50.00 % of the test examples."
    ]
    assert what_little_shows(data, data.measure(METRIC)) == [
        "Most test examples are of one class: always answering it would reach 50.00 %."
    ]


def test_of_balanced_classes_and_other_metrics_nothing_warns(tested: Callable[..., StudyData]) -> None:
    balanced, mostly_one = tested(*[0, 1, 2] * 20), tested(*[0] * 99, 1)

    assert what_little_shows(balanced, balanced.measure(METRIC)) == []
    for metric in ("test/f1/all", "test/accuracy/late", "test/rmse/load"):
        assert what_little_shows(mostly_one, mostly_one.measure(metric)) == []
        assert commonest_class(mostly_one, mostly_one.measure(metric)) == []


@pytest.mark.parametrize(("groups", "said"), [(None, []), (4, ["The test set is small: 4 independent examples."])])
def test_a_small_test_set_is_counted_in_groups(
    tested: Callable[..., StudyData], groups: int | None, said: list[str]
) -> None:
    data = tested(*[0, 1, 2] * 20, groups=groups)

    assert what_little_shows(data, data.measure(METRIC)) == said


def test_without_answers_nothing_is_said(study_data: Callable[..., StudyData]) -> None:
    data = study_data(trials=1, seeds=1)

    assert commonest_class(data, data.measure(METRIC)) == what_little_shows(data, data.measure(METRIC)) == []
