from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.text.narrative import limits, words_of


def test_who_proposed_configurations_and_who_may_give_them_up_is_said(study_data: Callable[..., StudyData]) -> None:
    data = study_data(trials=5, seeds=1)
    data.study.spec.update({"sampler": {"kind": "tpe"}, "pruner": {"kind": "median"}})
    context = ReportContext(data)

    sentences = words_of(context.data, context.comparison, context.account, context.measure)["design"]

    assert "Configurations were proposed by tpe, and a pruner, median, could give them up early." in sentences
    assert any(sentence.startswith("All runs together made 6,000 updates, in ") for sentence in sentences)


@pytest.mark.parametrize(
    ("updates", "flops", "said"),
    [
        (600.0, 1e9, "at equal numbers of updates, not at equal cost"),
        (300.0, 2e9, "at equal numbers of operations, not of updates"),
        (300.0, 1e9, "at different numbers of updates, not at equal cost"),
    ],
)
def test_what_arms_spent_as_much_of_is_said(finished_data: StudyData, updates: float, flops: float, said: str) -> None:
    frozen = finished_data.runs["arm"] == "frozen"
    spent = {"cost/steps": np.where(frozen, updates, 600.0), "cost/flops": np.where(frozen, flops, 2e9)}
    data = replace(finished_data, runs=finished_data.runs.assign(**spent))

    assert any(f"It compares {said};" in sentence for sentence in limits(data, ReportContext(data).comparison))


def sentences_of(data: StudyData) -> dict[str, list[str]]:
    context = ReportContext(data)
    return words_of(context.data, context.comparison, context.account, context.measure)


def test_a_study_without_a_smallest_effect_declares_no_difference_to_be_too_small(
    study_data: Callable[..., StudyData],
) -> None:
    (asked, *_) = sentences_of(study_data(trials=5, seeds=1, smallest_effect=0.0))["question"]

    assert asked.endswith("The study does not say how small a difference would not matter.")
    assert "Differences below" not in asked


def test_too_few_configurations_give_the_companion_of_the_mean_no_interval(
    study_data: Callable[..., StudyData],
) -> None:
    few, more = (sentences_of(study_data(trials=trials, seeds=1))["primary"][1] for trials in (5, 8))

    assert few.endswith("has the same sign as the mean; of so few configurations it has no interval.")
    assert more.endswith("agree in sign and in whether their intervals exclude zero.")


def test_where_tables_lie_is_true_of_a_published_report(finished_data: StudyData) -> None:
    data, _ = sentences_of(finished_data)["repeat"]

    assert data.startswith("data/ holds all runs and curves as Parquet; harness render writes every table")
