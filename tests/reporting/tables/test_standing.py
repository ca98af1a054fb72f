from collections.abc import Callable

import pytest

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.tables.standing import standing_table

StudyDataOf = Callable[..., StudyData]


def test_both_arms_and_their_difference_stand_in_one_table(study_data: StudyDataOf) -> None:
    context = ReportContext(study_data(trials=6, seeds=2))

    table = standing_table(context)

    assert table is not None
    assert table.head == ("arm", "mean (%)", "minus frozen (points)")
    (better, other), mean = table.rows, context.comparison.mean
    assert mean.interval is not None
    low, high = (context.measure.difference(end) for end in (mean.interval.low, mean.interval.high))
    assert better[::2] == ("unfrozen", f"{context.measure.difference(mean.mean)} ({low} to {high})")
    assert other[::2] == ("frozen", "\N{EN DASH}")
    assert table.note == "In brackets: 95 % intervals."


def test_a_few_configurations_have_no_interval_and_the_note_says_which_difference_was_planned(
    study_data: StudyDataOf,
) -> None:
    table = standing_table(ReportContext(study_data(trials=3, seeds=1, arms=("frozen", "unfrozen", "never"))))

    assert table is not None
    assert not any("(" in cell for row in table.rows for cell in row)
    assert table.note == "Only unfrozen minus frozen was planned."


def test_of_very_many_arms_the_best_are_shown_and_those_that_are_compared(study_data: StudyDataOf) -> None:
    arms = ("frozen", "unfrozen", *(f"hidden.{place}" for place in range(14)))

    table = standing_table(ReportContext(study_data(trials=2, seeds=1, arms=arms)))

    assert table is not None
    shown = [row[0] for row in table.rows]
    assert len(table.frame) == 16
    assert 12 <= len(shown) <= 14
    assert {"frozen", "unfrozen"} <= set(shown)
    assert f"These are {len(shown)} of 16 arms." in table.note


@pytest.mark.parametrize("trials", [0, 1])
def test_before_anything_is_compared_there_is_no_table(study_data: StudyDataOf, trials: int) -> None:
    data = study_data(trials=trials, seeds=1, missing=((0, "frozen", 0),))

    assert standing_table(ReportContext(data)) is None
