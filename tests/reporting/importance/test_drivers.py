from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.reporting.analysis.pairing import Comparison, compare
from harness.reporting.data.measures import measure_of
from harness.reporting.data.study_data import StudyData
from harness.reporting.importance import permutation
from harness.reporting.importance.drivers import drivers, why_none

METRIC = "test/accuracy/all"
StudyDataOf = Callable[..., StudyData]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw less often: it is not the bars that count here."""
    monkeypatch.setattr(permutation, "RESAMPLES", 2)
    monkeypatch.setattr(permutation, "SHUFFLES", 20)


def compared(data: StudyData) -> tuple[StudyData, Comparison]:
    return data, compare(data.runs, "unfrozen", "frozen", METRIC)


def with_effect(data: StudyData) -> tuple[StudyData, Comparison]:
    """Let unfreezing help where the growth is at hidden.0, and the metric be higher with greater width."""
    runs = data.runs.copy()
    helped = (runs["param/where"] == "hidden.0") & (runs["arm"] == "unfrozen")
    runs[METRIC] += 0.2 * helped + runs["param/width"] / 100
    return replace(data, runs=runs), compare(runs, "unfrozen", "frozen", METRIC)


def test_the_difference_and_the_metric_have_drivers_of_their_own(study_data: StudyDataOf) -> None:
    data, comparison = with_effect(study_data(trials=40, seeds=1))

    effect, level = drivers(data, comparison, measure_of(METRIC))

    assert (effect.target, level.target) == ("difference", "metric")
    assert effect.variance.fields[0].name == effect.best.fields[0].name == "where"
    assert level.variance.fields[0].name == level.best.fields[0].name == "width"
    assert effect.variance.configurations == 40


def test_of_an_error_the_best_are_the_smallest(study_data: StudyDataOf) -> None:
    data, _ = compared(study_data(trials=12, seeds=1))
    runs = data.runs.assign(**{"test/rmse/load": 1 - data.runs[METRIC]})
    both = [compare(runs, "unfrozen", "frozen", metric) for metric in (METRIC, "test/rmse/load")]

    accuracy, error = (drivers(data, one, measure_of(one.metric))[1].best.fields for one in both)

    assert [(field.name, round(field.size, 9)) for field in accuracy] == [
        (field.name, round(field.size, 9)) for field in error
    ]


def test_few_configurations_say_nothing_and_why(finished_data: StudyData) -> None:
    data, comparison = compared(finished_data)

    assert drivers(data, comparison, measure_of(METRIC)) == ()
    assert "cannot be said from 6 configurations: below 12" in why_none(data, comparison)


def test_a_space_of_one_point_says_nothing_and_why(study_data: StudyDataOf) -> None:
    data, _ = compared(study_data(trials=12, seeds=1))
    runs = data.runs.assign(**{f"param/{label}": 1 for label in data.labels})

    said = why_none(replace(data, runs=runs), compare(runs, "unfrozen", "frozen", METRIC))

    assert said.startswith("No searched field takes more than one value")


def test_equal_differences_have_no_drivers(study_data: StudyDataOf) -> None:
    data, _ = compared(study_data(trials=12, seeds=1))
    runs = data.runs.assign(**{METRIC: 0.5})

    assert drivers(replace(data, runs=runs), compare(runs, "unfrozen", "frozen", METRIC), measure_of(METRIC)) == ()


def test_a_study_that_tunes_each_arm_does_not_call_its_searched_fields_constant(finished_data: StudyData) -> None:
    data, comparison = compared(finished_data)

    assert why_none(replace(data, searched=data), comparison).startswith("Each arm was tuned on its own")
