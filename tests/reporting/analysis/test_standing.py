from collections.abc import Callable

import pytest

from harness.reporting.analysis.pairing import compare
from harness.reporting.analysis.standing import against, standings
from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.tables.standing import standing_table

StudyDataOf = Callable[..., StudyData]
METRIC = "test/accuracy/all"
THREE = ("frozen", "unfrozen", "never")


@pytest.fixture
def context(study_data: StudyDataOf) -> ReportContext:
    return ReportContext(study_data(trials=6, seeds=2, arms=THREE))


def test_every_arm_stands_there_the_best_first(context: ReportContext) -> None:
    found = standings(context.data, context.comparison, context.measure)

    assert {standing.arm for standing in found} == set(THREE)
    assert [standing.mean for standing in found] == sorted((standing.mean for standing in found), reverse=True)


def test_the_lowest_error_is_the_best(context: ReportContext) -> None:
    error = context.data.measure("test/loss/total")

    found = standings(context.data, context.comparison, error)

    assert [standing.mean for standing in found] == sorted(standing.mean for standing in found)


def test_an_arm_is_paired_with_the_reference_as_the_primary_comparison_is(context: ReportContext) -> None:
    found = {standing.arm: standing for standing in context.standings}

    assert found["frozen"].difference is None
    assert found["unfrozen"].difference == context.comparison.mean
    assert found["never"].difference == compare(context.data.runs, "never", "frozen", METRIC).mean
    assert found["never"] == against(context.data, context.comparison, "never", "frozen")


def test_an_arm_without_a_result_stands_nowhere(study_data: StudyDataOf) -> None:
    failed = tuple((trial, "never", place) for trial in range(5) for place in range(2))
    context = ReportContext(study_data(trials=5, seeds=2, arms=THREE, failed=failed, reason="killed"))

    assert {standing.arm for standing in context.standings} == {"frozen", "unfrozen"}


def published(context: ReportContext, metrics: dict[str, str]) -> ReportContext:
    named = [
        {"arm": arm, "metric": metric, "mean": 0.9, "std": 0.1, "source": "one"} for arm, metric in metrics.items()
    ]
    context.data.study.spec.update({"published": named})
    return context


def test_an_arm_that_is_told_which_head_is_meant_has_no_place_by_a_metric_that_does_not_tell(
    context: ReportContext,
) -> None:
    context = published(context, {"never": "accuracy_within/mean", "unfrozen": METRIC.partition("/")[2]})

    table = standing_table(context)

    assert table is not None
    assert {row[0] for row in table.rows} == {"frozen", "unfrozen"}
    assert "Not ranked: never, whose networks are told which head is meant" in table.note


def test_arms_that_are_compared_or_published_by_the_same_kind_of_metric_keep_their_places(
    context: ReportContext,
) -> None:
    context = published(context, {"frozen": "accuracy_within/mean", "never": "accuracy_by_arrival/mean"})

    assert len(context.standings) == 3
