from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.core.errors import StudyNotFoundError
from harness.core.history import History
from harness.staging.histories import HISTORY_FILE, METRICS_FILES, stage_folder
from harness.staging.ledger import Ledger, RunRecord, StageAddress, StudyRecord
from harness.staging.workspace import Workspace
from harness.tracking.delivery.project import project_study
from harness.tracking.memory import MemoryTracker

STAGES = (StageAddress("aa", 20), StageAddress("bb", 40))


@pytest.fixture
def ledger(tmp_path: Path, study: StudyRecord, run: RunRecord, history: History) -> Ledger:
    """A home with one of two planned runs, in two stages."""
    ledger = Ledger(tmp_path)
    ledger.create()
    ledger.save_study(replace(study, trials=1, seeds=1))
    ledger.save_run(replace(run, stages=STAGES))
    after = History()
    for name in history:
        for step, value in zip(history[name].steps, history[name].values, strict=True):
            if step > 20:
                after.record(step, {name: value})
    for address, part in zip(STAGES, (history.upto(20), after), strict=True):
        folder = stage_folder(tmp_path / "store", address)
        folder.mkdir(parents=True)
        for name in METRICS_FILES:
            (folder / name).write_bytes((part if name == HISTORY_FILE else History()).to_bytes())
    return ledger


@pytest.mark.usefixtures("ledger")
def test_all_ended_runs_are_shown_with_their_whole_history(tmp_path: Path, study: StudyRecord) -> None:
    tracker = MemoryTracker()

    count = project_study(Workspace(tmp_path), tracker, study.name)

    assert count == 1
    assert len(tracker.runs[study.name, 7, "unfrozen", 2].metrics["train/loss/total"].steps) == 40
    assert tracker.summaries == {}


def test_a_study_ends_with_its_last_run(
    tmp_path: Path, ledger: Ledger, study: StudyRecord, make_run: Callable[..., RunRecord]
) -> None:
    ledger.save_run(make_run(arm="frozen", status="failed", reason="diverged"))
    tracker = MemoryTracker()

    project_study(Workspace(tmp_path), tracker, study.name)

    assert tracker.summaries == {study.name: "1 completed, 1 failed"}


@pytest.mark.usefixtures("ledger")
def test_an_unknown_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyNotFoundError, match="no study 'nothing' was begun"):
        project_study(Workspace(tmp_path), MemoryTracker(), "nothing")


@pytest.mark.usefixtures("ledger")
def test_a_run_whose_history_was_removed_is_shown_by_its_results(tmp_path: Path, study: StudyRecord) -> None:
    tracker = MemoryTracker()

    project_study(Workspace(tmp_path, store_folder=tmp_path / "empty"), tracker, study.name)

    assert set(tracker.runs[study.name, 7, "unfrozen", 2].metrics) == {
        "final/accuracy_all",
        "final/seconds",
        "growth/parameters_added",
    }
