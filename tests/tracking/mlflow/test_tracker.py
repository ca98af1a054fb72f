import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking.mlflow.client import MlflowClient, Run
from harness.tracking.mlflow.tracker import MlflowTracker

MakeRun = Callable[..., RunRecord]
ReadBack = Callable[[], tuple[Run, list[Run]]]


def test_a_study_is_a_parent_run_and_its_runs_are_children(
    tracker: MlflowTracker, study: StudyRecord, make_run: MakeRun, history: History, read_back: ReadBack
) -> None:
    tracker.begin_study(study)
    for arm in study.spec["arms"]:
        tracker.project_run(make_run(arm=arm), history)

    parent, children = read_back()

    assert parent.info.status == "RUNNING"
    assert parent.data.tags["mlflow.note.content"].startswith("### Should old layers stay frozen?")
    assert [child.info.run_name for child in children] == [
        "trial 7 · frozen · seed 2",
        "trial 7 · unfrozen · seed 2",
    ]


def test_a_run_has_params_tags_metrics_and_files(
    tracker: MlflowTracker,
    client: MlflowClient,
    study: StudyRecord,
    run: RunRecord,
    history: History,
    read_back: ReadBack,
    home: Path,
    tmp_path: Path,
) -> None:
    tracker.begin_study(study)
    tracker.project_run(run, history)

    _, (child,) = read_back()

    assert child.info.status == "FINISHED"
    assert child.info.end_time - child.info.start_time == 12_500
    assert child.data.params.items() >= {"width": "16", "arm": "unfrozen", "seed": "2", "lr": "0.001"}.items()
    assert child.data.tags.items() >= {"trial": "7", "arm": "unfrozen", "run_id": "0123abcd"}.items()
    assert child.data.metrics["final/accuracy_all"] == 0.875
    assert child.inputs is not None
    (used,) = child.inputs.dataset_inputs
    assert (used.dataset.name, used.tags[0].value) == ("digits", "train")
    for name, content in {"config.json": run.config, "growths.json": list(run.growths)}.items():
        path = client.download_artifacts(child.info.run_id, name, str(tmp_path))
        assert json.loads(Path(path).read_text()) == content
    assert (home / "mlartifacts" / child.info.run_id).is_dir()
    assert "growth at 20" in Path(client.download_artifacts(child.info.run_id, "figure.svg", str(tmp_path))).read_text()


def test_a_pruned_run_is_told_from_one_that_finished_and_from_one_that_was_killed(
    tracker: MlflowTracker,
    client: MlflowClient,
    study: StudyRecord,
    make_run: MakeRun,
    history: History,
    read_back: ReadBack,
) -> None:
    tracker.begin_study(study)
    tracker.project_run(make_run(seed=0), history)
    pruned = make_run(seed=1, status="pruned", reason="worse than the median at step 20", metrics={}, growths=())
    tracker.project_run(pruned, history.upto(20))
    tracker.show_live_run(make_run(seed=2, status="running"), {}, 1)
    tracker.mark_dead_runs(study, [])

    _, children = read_back()
    _, child, _ = children
    assert [child.info.status for child in children] == ["FINISHED", "KILLED", "KILLED"]
    assert [child.data.tags.get("outcome") for child in children] == ["completed", "pruned", None]
    assert child.data.tags["reason"] == "worse than the median at step 20"
    assert child.data.tags["mlflow.note.content"].startswith("**pruned**: worse than the median at step 20")
    assert len(client.get_metric_history(child.info.run_id, "train/loss/total")) == 20
    filtered = client.search_runs([child.info.experiment_id], "tags.outcome = 'pruned'")
    assert [run.info.run_id for run in filtered] == [child.info.run_id]


def test_what_is_shown_is_counted(tracker: MlflowTracker, study: StudyRecord, run: RunRecord, history: History) -> None:
    before = tracker.count_shown_points(run)
    tracker.begin_study(study)
    tracker.project_run(run, history)

    assert (before, tracker.count_shown_points(run)) == (0, len(history) + 3)


def test_infinities_do_not_reach_mlflow(
    tracker: MlflowTracker, client: MlflowClient, study: StudyRecord, run: RunRecord, read_back: ReadBack
) -> None:
    history = History()
    for step, value in enumerate([1.0, math.inf, math.nan, -math.inf, 2.0]):
        history.record(step, {"train/loss/new": value})
    tracker.begin_study(study)
    tracker.project_run(run, history)

    _, (child,) = read_back()

    points = client.get_metric_history(child.info.run_id, "train/loss/new")
    assert {point.step: point.value for point in points} == {0: 1.0, 4: 2.0}
    assert child.data.tags["not_finite"] == "train/loss/new at 3 of 5 steps"


def test_many_long_and_odd_names_and_values_are_accepted(
    tracker: MlflowTracker, study: StudyRecord, make_run: MakeRun, read_back: ReadBack
) -> None:
    config = {f"field {number}": number for number in range(150)} | {"text": "ü" * 6000, "a@b[0]": 1, "/..": 2}
    history = History()
    for step in range(600):
        history.record(step, {"train/loss/100%": 1.0, "n" * 300: 2.0, "val/accuracy/köpfe": 3.0})
    tracker.begin_study(study)
    tracker.project_run(make_run(config=config, arm="it's 100%", reason="x" * 9000), history)

    _, (child,) = read_back()

    assert child.data.params.items() >= {"field 149": "149", "a_b_0_": "1", "_": "2", "text": "ü" * 6000}.items()
    assert set(child.data.metrics) >= {"train/loss/100_", "n" * 250, "val/accuracy/köpfe"}
    assert len(child.data.tags["reason"]) == 8000


@pytest.mark.slow
@pytest.mark.parametrize("processes", [2, pytest.param(4, marks=pytest.mark.campaign)])
def test_processes_that_begin_at_once_make_one_database_and_print_nothing(tmp_path: Path, processes: int) -> None:
    program = f"""
from pathlib import Path
from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.staging.study_spec import StudySpec
from harness.tracking.mlflow.location import default_tracking_uri
from harness.tracking.mlflow.tracker import MlflowTracker
spec = {{"title": "", "question": "", "space": {{}}, "arms": {{"a": {{}}}}, "metric": "accuracy/all"}}
study = StudyRecord("study", StudySpec(spec), 1, 1)
tracker = MlflowTracker(default_tracking_uri(Path({str(tmp_path)!r})))
tracker.begin_study(study)
tracker.project_run(RunRecord("study", 0, "a", 0, "id", {{}}, {{}}, "completed"), History())
tracker.end_study(study, "1 completed")
"""
    command = [sys.executable, "-c", program]

    started = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(processes)]

    for process in started:
        assert (process.communicate()[0], process.returncode) == (b"", 0)
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/mlflow.sqlite")
    assert sorted(run.info.run_name or "" for run in client.search_runs(["1"])) == ["study", "trial 0 · a · seed 0"]
