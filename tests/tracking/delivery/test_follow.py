import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.staging.ledger import Ledger, RunRecord, StudyRecord
from harness.staging.workspace import Workspace
from harness.tracking.delivery import follow as module
from harness.tracking.delivery.destination import Destination
from harness.tracking.delivery.projector import Projector
from harness.tracking.live.feed import LiveFeed
from harness.tracking.memory import MemoryTracker


def test_it_follows_until_its_input_is_closed_and_says_what_is_left(
    tmp_path: Path,
    study: StudyRecord,
    make_run: Callable[..., RunRecord],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tracker = MemoryTracker()
    monkeypatch.setattr(Destination, "open_tracker", lambda _destination, _store: tracker)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    monkeypatch.delenv("HARNESS_TRACKING_URI", raising=False)
    ledger = Ledger(tmp_path)
    ledger.create()
    ledger.save_study(study)
    ledger.save_run(make_run())

    module.follow([str(tmp_path), str(tmp_path / "store"), study.name])

    assert json.loads(capsys.readouterr().out) == {"runs": 0, "points": 0, "reason": "", "where": ""}
    assert len(tracker.runs) == 1


def test_several_trackers_are_followed_at_once(
    tmp_path: Path,
    study: StudyRecord,
    run: RunRecord,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "tensorboard").touch()  # no folder: it cannot be written to
    monkeypatch.setattr(Projector.finish, "__kwdefaults__", {"retry_for_s": 0.0})
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    ledger = Ledger(tmp_path)
    ledger.create()
    ledger.save_study(study)
    ledger.save_run(run)
    LiveFeed(tmp_path).begin(run)

    module.follow([str(tmp_path), str(tmp_path / "store"), study.name, "csv", "tensorboard"])

    left = json.loads(capsys.readouterr().out)
    assert (left["runs"], left["where"]) == (1, "TensorBoard")
    assert "cannot be written" in left["reason"]
    assert run.arm in (tmp_path / "csv" / study.name / "runs.csv").read_text()


def test_points_of_a_history_that_was_never_stored_are_not_waited_for(
    tmp_path: Path, study: StudyRecord, run: RunRecord
) -> None:
    ledger = Ledger(tmp_path)
    ledger.create()
    ledger.save_study(study)
    ledger.save_run(run)
    tracker = MemoryTracker()

    Projector(Workspace(tmp_path), study.name, lambda: tracker).finish()

    assert tracker.count_shown_points(run) == 3


@pytest.mark.skipif(not module.AUTOGROUP.is_file(), reason="the system has no groups of processes by session")
def test_training_goes_first_also_before_a_session_of_its_own() -> None:
    code = "from harness.tracking.delivery import follow as f; f._give_way(); print(f.AUTOGROUP.read_text())"

    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, start_new_session=True
    )

    assert ended.stdout.strip().endswith(f"nice {module.NICE}")
