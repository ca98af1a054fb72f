from collections.abc import Callable

from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.text.narrative import words_of


def test_who_proposed_configurations_and_who_may_give_them_up_is_said(study_data: Callable[..., StudyData]) -> None:
    data = study_data(trials=5, seeds=1)
    data.study.spec.update({"sampler": {"kind": "tpe"}, "pruner": {"kind": "median"}})
    context = ReportContext(data)

    sentences = words_of(context.data, context.comparison, context.account, context.measure)["design"]

    assert "Configurations were proposed by tpe, and a pruner, median, could give them up early." in sentences
    assert any(sentence.startswith("All runs together made 6,000 updates, in ") for sentence in sentences)
