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
