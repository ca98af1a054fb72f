import json
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking.client import MlflowClient, Run
from harness.tracking.mlflow import MlflowTracker

MakeRun = Callable[..., RunRecord]
ReadBack = Callable[[], tuple[Run, list[Run]]]


@pytest.fixture
def read_back(client: MlflowClient, study: StudyRecord) -> ReadBack:
    """Read the study's parent run and its children."""

    def read() -> tuple[Run, list[Run]]:
        experiment = client.get_experiment_by_name(study.name)
        assert experiment is not None
        runs = client.search_runs([experiment.experiment_id])
        (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
        children = [run for run in runs if run is not parent]
        assert all(run.data.tags["mlflow.parentRunId"] == parent.info.run_id for run in children)
        return parent, sorted(children, key=lambda run: str(run.info.run_name))

    return read


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
    assert child.data.metrics["test/accuracy/all"] == 0.875
    for name, content in {"config.json": run.config, "growths.json": list(run.growths)}.items():
        path = client.download_artifacts(child.info.run_id, name, str(tmp_path))
        assert json.loads(Path(path).read_text()) == content
    assert (home / "mlartifacts" / child.info.run_id).is_dir()


def test_projecting_again_changes_nothing(
    tracker: MlflowTracker,
    client: MlflowClient,
    study: StudyRecord,
    run: RunRecord,
    history: History,
    read_back: ReadBack,
) -> None:
    def project() -> None:
        tracker.begin_study(study)
        tracker.project_run(run, history)
        tracker.end_study(study, "1 completed")

    project()
    before = [found.to_dictionary() for found in (read_back()[0], *read_back()[1])]
    project()

    parent, (child,) = read_back()
    assert [parent.to_dictionary(), child.to_dictionary()] == before
    assert len(client.get_metric_history(child.info.run_id, "train/loss/total")) == 40


def test_what_an_interruption_left_behind_is_written_anew(
    tracker: MlflowTracker,
    client: MlflowClient,
    study: StudyRecord,
    run: RunRecord,
    history: History,
    read_back: ReadBack,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tracker.begin_study(study)
    monkeypatch.setattr(MlflowClient, "log_text", _interrupt)
    with pytest.raises(KeyboardInterrupt):
        tracker.project_run(run, history)
    monkeypatch.undo()
    _, (half,) = read_back()

    tracker.project_run(run, history)

    _, (whole,) = read_back()
    assert half.info.status == "RUNNING"
    assert (whole.info.run_id != half.info.run_id, whole.info.status) == (True, "FINISHED")
    assert len(client.get_metric_history(whole.info.run_id, "train/loss/total")) == 40


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_run_that_failed_says_why_until_a_later_end_replaces_it(
    tracker: MlflowTracker, study: StudyRecord, make_run: MakeRun, history: History, read_back: ReadBack
) -> None:
    tracker.begin_study(study)
    tracker.project_run(make_run(status="failed", reason="diverged at step 3", metrics={}), history)
    _, (failed,) = read_back()

    tracker.project_run(make_run(), history)

    _, (child,) = read_back()
    assert (failed.info.status, failed.data.tags["reason"]) == ("FAILED", "diverged at step 3")
    assert failed.data.tags["mlflow.note.content"].startswith("**failed**: diverged at step 3")
    assert (child.info.status, "reason" in child.data.tags) == ("FINISHED", False)


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


def test_a_study_ends_with_its_outcome_and_goes_on_when_it_is_extended(
    tracker: MlflowTracker, study: StudyRecord, read_back: ReadBack
) -> None:
    tracker.begin_study(study)
    tracker.end_study(study, "48 completed")
    ended, _ = read_back()

    tracker.begin_study(replace(study, trials=9))

    extended, _ = read_back()
    assert ended.info.status == "FINISHED"
    assert ended.data.tags["mlflow.note.content"].startswith("**48 completed**\n\n###")
    assert (extended.info.status, extended.data.tags["planned_runs"]) == ("RUNNING", "54")


def test_what_was_deleted_in_the_ui_is_shown_again(
    tracker: MlflowTracker,
    client: MlflowClient,
    study: StudyRecord,
    run: RunRecord,
    history: History,
    read_back: ReadBack,
) -> None:
    tracker.begin_study(study)
    tracker.project_run(run, history)
    parent, _ = read_back()
    client.delete_run(parent.info.run_id)
    client.delete_experiment(parent.info.experiment_id)

    tracker.begin_study(study)
    tracker.project_run(run, history)

    assert len(read_back()[1]) == 1


@pytest.mark.slow
def test_processes_that_begin_at_once_make_one_database_and_print_nothing(tmp_path: Path) -> None:
    program = f"""
from pathlib import Path
from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking.location import default_tracking_uri
from harness.tracking.mlflow import MlflowTracker
spec = {{"title": "", "question": "", "space": {{}}, "arms": {{"a": {{}}}}, "metric": "accuracy/all"}}
study = StudyRecord("study", spec, 1, 1)
tracker = MlflowTracker(default_tracking_uri(Path({str(tmp_path)!r})))
tracker.begin_study(study)
tracker.project_run(RunRecord("study", 0, "a", 0, "id", {{}}, {{}}, "completed"), History())
tracker.end_study(study, "1 completed")
"""
    command = [sys.executable, "-c", program]

    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(3)]

    for process in processes:
        assert (process.communicate()[0], process.returncode) == (b"", 0)
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/mlflow.sqlite")
    assert sorted(run.info.run_name or "" for run in client.search_runs(["1"])) == ["study", "trial 0 · a · seed 0"]
