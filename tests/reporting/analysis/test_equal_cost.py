from collections.abc import Callable

import numpy as np
import pytest

from harness.reporting.analysis.equal_cost import FLOPS, SECONDS, at_cost, spent_at
from harness.reporting.data.measures import measure_of
from harness.reporting.data.study_data import StudyData

StudyDataOf = Callable[..., StudyData]
MEASURE = measure_of("test/accuracy/all")


def test_steps_before_and_after_the_growth_take_different_time() -> None:
    steps = np.array([0.0, 50, 100, 150, 200])

    found = spent_at(steps, last=200, total=10, growth=100, before=2)

    assert found.tolist() == [0, 1, 2, 6, 10]


@pytest.mark.parametrize(("growth", "before"), [(np.nan, np.nan), (100.0, np.nan), (np.nan, 2.0)])
def test_without_a_growth_or_its_time_all_steps_take_the_same(growth: float, before: float) -> None:
    assert spent_at(np.array([50.0]), last=200, total=10, growth=growth, before=before).tolist() == [2.5]


def test_updates_alike_are_seen_at_the_end_of_validation(study_data: StudyDataOf) -> None:
    data = study_data(trials=5, seeds=1)

    found = at_cost(data, MEASURE, SECONDS)

    ends = data.runs.set_index(["trial", "arm"])["val/accuracy/all"]
    assert {key: values[-1] for key, (_, _, values) in found.items()} == pytest.approx(ends.to_dict())


def test_only_configurations_that_every_arm_completed_count(study_data: StudyDataOf) -> None:
    data = study_data(trials=5, seeds=1, failed=((1, "frozen", 0),))

    assert {trial for trial, _ in at_cost(data, MEASURE, SECONDS)} == {0, 2, 3, 4}


def test_what_was_not_counted_gives_nothing(study_data: StudyDataOf) -> None:
    assert at_cost(study_data(trials=5, seeds=1), MEASURE, FLOPS) == {}
