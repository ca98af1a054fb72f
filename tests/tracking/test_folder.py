from collections.abc import Mapping
from pathlib import Path
from typing import final

import pytest

from harness.core.errors import HarnessError
from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking import AbstractFolderTracker, Place, Point, RunEntry, StudyEntry, StudyFolder


@final
class Cut(AbstractFolderTracker):
    """Writes nothing, and fails as often as it is told to."""

    kind = "cut"
    title = "the cut one"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.failures = 0
        self.written: list[str] = []

    def write_study(self, folder: StudyFolder, entry: StudyEntry, outcome: str) -> None:  # noqa: ARG002
        self.written.append(f"study {outcome}")

    def write_run(self, folder: StudyFolder, entry: RunEntry, others: Mapping[Point, int]) -> None:  # noqa: ARG002
        if self.failures:
            self.failures -= 1
            raise OSError(28, "No space left on device")
        self.written.append(entry.name)


def test_a_run_is_shown_only_when_all_of_it_is_written_and_then_never_written_again(
    tmp_path: Path, study: StudyRecord, run: RunRecord, history: History
) -> None:
    tracker = Cut(Place(str(tmp_path)))
    tracker.begin_study(study)
    tracker.failures = 1
    with pytest.raises(HarnessError, match=r"the cut one at .* cannot be written .*No space left.*; nothing is lost"):
        tracker.project_run(run, history)

    for _ in range(2):
        tracker.project_run(run, history)
        tracker.end_study(study, "done")
    later = Cut(Place(str(tmp_path)))
    later.begin_study(study)
    later.project_run(run, history)
    later.end_study(study, "done")

    assert tracker.written == ["study ", "trial 7 · unfrozen · seed 2", "study done"]
    assert later.written == []


def test_what_an_earlier_version_wrote_is_written_anew_once(
    tmp_path: Path, study: StudyRecord, run: RunRecord, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written() -> list[str]:
        tracker = Cut(Place(str(tmp_path)))
        tracker.begin_study(study)
        tracker.project_run(run, history)
        return [name for name in tracker.written if name.startswith("trial")]

    first = written()
    monkeypatch.setattr(Cut, "version", Cut.version + 1)

    assert (first, written(), written()) == (["trial 7 · unfrozen · seed 2"], ["trial 7 · unfrozen · seed 2"], [])
