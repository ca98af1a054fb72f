from harness.core.history import History, Series
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking.content.entry import run_entry


def test_a_growth_is_a_point_at_its_step(study: StudyRecord, run: RunRecord, history: History) -> None:
    entry = run_entry(study, run, history)

    assert entry.metrics["growth/parameters_added"] == Series([20], [1234.0])
    assert entry.tags["growth_steps"] == "20"


def test_a_growth_that_the_history_has_is_not_added_to_it(study: StudyRecord, run: RunRecord, history: History) -> None:
    history.record(20, {"growth/parameters_added": 1234.0})

    assert run_entry(study, run, history).metrics["growth/parameters_added"] == Series([20], [1234.0])


def test_a_curve_has_every_point_also_two_at_one_step(study: StudyRecord, run: RunRecord, history: History) -> None:
    metrics = run_entry(study, run, history, "all").metrics

    assert metrics["val/accuracy/all"] == history["val/accuracy/all"]
    assert metrics["train/loss/total"] == history["train/loss/total"]
