from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.paper.methods import methods
from harness.reporting.text.narrative import words_of
from harness.reporting.text.pairs import said_of_pairs

SHARED = (
    "The two compared arms of a configuration share the seed, and with it the initial values and the order of the data"
)


def apart(data: StudyData) -> StudyData:
    """Return the data as if the runs of each pair had gone on from states of their own, on batches of their own."""
    configs = [
        config.replace('"batch_size":64', '"batch_size":32') if arm == "frozen" else config
        for config, arm in zip(data.runs["config"], data.runs["arm"], strict=True)
    ]
    return replace(data, runs=data.runs.assign(fork=data.runs["run_id"], config=configs))


@pytest.fixture
def context(study_data: Callable[..., StudyData]) -> ReportContext:
    return ReportContext(study_data(trials=5, seeds=1))


def test_what_checks_show_to_be_shared_is_said(context: ReportContext) -> None:
    assert said_of_pairs(context.data, context.account, context.comparison) == SHARED


def test_what_pairs_do_not_share_is_said_in_report_and_paper(context: ReportContext) -> None:
    other = ReportContext(apart(context.data), {"python": "3.11"})

    design = words_of(other.data, other.comparison, other.account, other.measure)["design"]

    said = (
        "The two compared arms of a configuration share the seed; not all of its pairs of runs share the stored state "
        "from which they go on and the order of the data"
    )
    assert f"{said}." in design
    assert said in [sentence for sentence, _ in methods(other)]


def test_what_was_not_checked_is_said(context: ReportContext) -> None:
    other = ReportContext(replace(context.data, runs=context.data.runs.assign(fork="")))

    assert said_of_pairs(other.data, other.account, other.comparison) == (
        "The two compared arms of a configuration share the seed, and with it the order of the data; whether they "
        "share the stored state from which they go on was not checked"
    )
