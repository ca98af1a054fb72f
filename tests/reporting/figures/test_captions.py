from collections.abc import Callable
from dataclasses import replace

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures._captions import of_controls

StudyDataOf = Callable[..., StudyData]
SAME = " Before the growth the {} are the same runs."


def said(data: StudyData) -> str:
    context = ReportContext(data)
    return of_controls(context, context.curves)


def test_runs_are_called_the_same_before_the_growth_only_if_their_pairs_grow_from_one_state(
    study_data: StudyDataOf,
) -> None:
    data = study_data(trials=2, seeds=1)

    assert said(data) == SAME.format("arms")
    assert said(replace(data, runs=data.runs.assign(fork=data.runs["run_id"]))) == ""


def test_of_several_arms_it_is_said_of_the_two_that_were_checked(study_data: StudyDataOf) -> None:
    assert said(study_data(trials=2, seeds=1, arms=("frozen", "unfrozen", "partly"))) == SAME.format(
        "two compared arms"
    )


def test_arms_that_never_grow_are_named(study_data: StudyDataOf) -> None:
    data = study_data(trials=2, seeds=1, arms=("frozen", "unfrozen", "never"), never=("never",))

    assert said(data).startswith(" Runs that never grew (never) count updates from the growth")
