import math
from collections.abc import Callable
from dataclasses import replace

from harness.core.history import History, Series
from harness.staging.ledger import RunRecord, StageAddress, StudyRecord
from harness.staging.study_spec import StudySpec
from harness.tracking.content.entry import run_entry, study_entry

MakeRun = Callable[..., RunRecord]


def test_the_stages_are_named_in_tags(study: StudyRecord, make_run: MakeRun) -> None:
    run = make_run(stages=(StageAddress("a" * 64, 20), StageAddress("b" * 64, 40)))

    tags = run_entry(study, run, History()).tags

    assert (tags["parent_stage"], tags["stage"]) == ("a" * 16, "b" * 16)


def test_a_study_with_more_trials_has_the_same_spec_hash(study: StudyRecord) -> None:
    longer = replace(study, spec=StudySpec({**study.spec, "trials": 99, "title": "Another"}))
    other = replace(study, spec=StudySpec({**study.spec, "metric": "accuracy/late"}))

    hashes = [study_entry(each).tags["spec_hash"] for each in (study, longer, other)]

    assert hashes[0] == hashes[1] != hashes[2]


def test_what_is_not_finite_is_named_in_a_tag(study: StudyRecord, make_run: MakeRun) -> None:
    history = History()
    for step, value in enumerate([1.0, math.nan, math.inf, 2.0]):
        history.record(step, {"train/loss/new": value, "train/loss/dead": math.nan})

    entry = run_entry(study, make_run(metrics={"test/forgetting": math.nan}, growths=()), history)

    assert entry.metrics == {"train/loss/new": Series([0, 3], [1.0, 2.0])}
    assert entry.tags["not_finite"] == (
        "train/loss/dead at 4 of 4 steps, train/loss/new at 2 of 4 steps, test/forgetting"
    )


def test_no_tag_is_longer_than_mlflow_allows(study: StudyRecord, make_run: MakeRun) -> None:
    entry = run_entry(study, make_run(status="failed", reason="x" * 20_000), History())

    assert len(entry.tags["reason"]) == 8000
    assert len(entry.note) <= 8000


def test_a_study_says_how_many_runs_are_planned(study: StudyRecord) -> None:
    assert study_entry(study).tags["planned_runs"] == "48"
