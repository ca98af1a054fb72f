from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.reporting.analysis.standing import Standing
from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.text.standing import said_of_other_arms

StudyDataOf = Callable[..., StudyData]
BETTER = "The best of all 3 arms is never, with 99.00 %: "


def said(context: ReportContext, standings: list[Standing]) -> str:
    return said_of_other_arms(context.data, context.comparison, context.measure, standings)


@pytest.fixture
def context(study_data: StudyDataOf) -> ReportContext:
    return ReportContext(study_data(trials=6, seeds=2, arms=("frozen", "unfrozen", "never")))


def test_an_arm_that_beats_both_is_named_with_its_difference_to_the_better_of_them(context: ReportContext) -> None:
    never = next(standing for standing in context.standings if standing.arm == "never")
    first = [replace(never, mean=0.99), *(standing for standing in context.standings if standing.arm != "never")]

    sentence = said(context, first)

    assert sentence.startswith(BETTER)
    assert " percentage points against unfrozen, 95 % interval " in sentence


def test_where_no_other_arm_is_better_that_is_said(context: ReportContext) -> None:
    last = sorted(context.standings, key=lambda standing: standing.arm == "never")

    assert said(context, last) == "The other arm, never, is not better than unfrozen on average."


def test_of_two_arms_nothing_is_said(study_data: StudyDataOf) -> None:
    context = ReportContext(study_data(trials=6, seeds=2))

    assert said(context, context.standings) == ""


def test_the_interval_of_an_arm_that_was_chosen_by_its_result_is_said_not_to_be_adjusted(
    context: ReportContext,
) -> None:
    never = next(standing for standing in context.standings if standing.arm == "never")
    first = [replace(never, mean=0.99), *(standing for standing in context.standings if standing.arm != "never")]

    assert said(context, first).endswith(", not adjusted for choosing it afterwards.")
