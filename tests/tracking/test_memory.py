import subprocess
import sys

from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking.memory import MemoryTracker


def test_what_was_projected_can_be_read(study: StudyRecord, run: RunRecord, history: History) -> None:
    tracker = MemoryTracker()

    tracker.begin_study(study)
    tracker.project_run(run, history)
    tracker.end_study(study, "1 completed")

    assert tracker.runs[study.name, 7, "unfrozen", 2].metrics["test/accuracy/all"] == {0: 0.875}
    assert tracker.summaries == {study.name: "1 completed"}


def test_everything_but_the_mlflow_tracker_is_imported_without_mlflow() -> None:
    modules = "memory", "project", "ui", "location", "views"
    program = "import sys\n" + "".join(f"import harness.tracking.{name}\n" for name in modules)

    subprocess.run([sys.executable, "-c", f"{program}assert 'mlflow' not in sys.modules"], check=True)
