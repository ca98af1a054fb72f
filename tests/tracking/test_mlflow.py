import json
import math
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from harness.core.history import History
from harness.staging.histories import FILES, stage_folder
from harness.staging.ledger import RunRecord, StageAddress, StudyRecord
from harness.tracking.client import MlflowClient, Run
from harness.tracking.location import default_tracking_uri
from harness.tracking.mlflow import MlflowTracker
from harness.tracking.points import Point, points_of

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
    assert child.data.metrics["final/accuracy_all"] == 0.875
    assert child.inputs is not None
    (used,) = child.inputs.dataset_inputs
    assert (used.dataset.name, used.tags[0].value) == ("digits", "train")
    for name, content in {"config.json": run.config, "growths.json": list(run.growths)}.items():
        path = client.download_artifacts(child.info.run_id, name, str(tmp_path))
        assert json.loads(Path(path).read_text()) == content
    assert (home / "mlartifacts" / child.info.run_id).is_dir()
    assert "growth at 20" in Path(client.download_artifacts(child.info.run_id, "figure.svg", str(tmp_path))).read_text()


def test_the_commit_is_the_one_that_is_recorded_with_the_run(
    tracker: MlflowTracker, study: StudyRecord, make_run: MakeRun, read_back: ReadBack
) -> None:
    tracker.begin_study(study)
    shown = []
    for commit in ("", "abc", "def", ""):  # trained anew each time, first and last where no commit was known
        tracker.project_run(make_run(commit=commit), History())
        shown.append(read_back()[1][0].data.tags.get("git_commit"))

    assert shown == [None, "abc", "def", None]


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
    tracker.show_run(make_run(seed=2, status="running"), {}, 1)
    tracker.settle(study, [])

    _, children = read_back()
    _, child, _ = children
    assert [child.info.status for child in children] == ["FINISHED", "KILLED", "KILLED"]
    assert [child.data.tags.get("outcome") for child in children] == ["completed", "pruned", None]
    assert child.data.tags["reason"] == "worse than the median at step 20"
    assert child.data.tags["mlflow.note.content"].startswith("**pruned**: worse than the median at step 20")
    assert len(client.get_metric_history(child.info.run_id, "train/loss/total")) == 20
    filtered = client.search_runs([child.info.experiment_id], "tags.outcome = 'pruned'")
    assert [run.info.run_id for run in filtered] == [child.info.run_id]


def test_a_run_that_is_done_anew_has_no_outcome_until_it_ends(
    tracker: MlflowTracker, study: StudyRecord, make_run: MakeRun, history: History, read_back: ReadBack
) -> None:
    tracker.begin_study(study)
    tracker.project_run(make_run(status="failed", reason="diverged at step 3", metrics={}), History())

    tracker.show_run(make_run(status="running"), {}, 1)
    _, (again,) = read_back()
    tracker.project_run(make_run(), history)

    _, (child,) = read_back()
    assert (again.info.status, again.data.tags.keys() & {"outcome", "reason"}) == ("RUNNING", set())
    assert (child.info.status, child.data.tags["outcome"]) == ("FINISHED", "completed")


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


@pytest.mark.parametrize("where", ["create_run", "log_batch", "log_inputs", "log_text", "update_run"])
def test_an_interruption_anywhere_is_made_up_for(
    tracker: MlflowTracker,
    client: MlflowClient,
    study: StudyRecord,
    run: RunRecord,
    history: History,
    read_back: ReadBack,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    tracker.begin_study(study)
    whole = getattr(MlflowClient, where)

    deaths = []

    def write_and_die(*args: object, **kwargs: object) -> None:
        whole(*args, **kwargs)
        deaths.append(where)
        raise KeyboardInterrupt

    for _ in range(3):
        monkeypatch.setattr(MlflowClient, where, write_and_die)
        before = len(deaths)
        with suppress(KeyboardInterrupt):
            tracker.project_run(run, history)
        monkeypatch.undo()
        if len(deaths) > before:
            assert [child.info.status for child in read_back()[1]] == ["RUNNING"]
        tracker.begin_study(study)
    tracker.project_run(run, history)

    _, (child,) = read_back()
    assert deaths
    assert child.info.status == "FINISHED"
    for key in history:
        points = client.get_metric_history(child.info.run_id, key)
        assert sorted((p.step, p.value) for p in points) == sorted(
            zip(history[key].steps, history[key].values, strict=True)
        )


def test_a_later_end_of_the_same_kind_is_shown(
    tracker: MlflowTracker, study: StudyRecord, make_run: MakeRun, history: History, read_back: ReadBack
) -> None:
    tracker.begin_study(study)
    tracker.project_run(make_run(metrics={"test/accuracy/all": 0.5}), history)

    tracker.project_run(make_run(metrics={"test/accuracy/all": 0.75}), history)

    _, (child,) = read_back()
    assert child.data.metrics["final/accuracy_all"] == 0.75


def test_what_was_shown_alive_is_completed_when_the_run_ends(
    tracker: MlflowTracker,
    client: MlflowClient,
    study: StudyRecord,
    run: RunRecord,
    history: History,
    read_back: ReadBack,
) -> None:
    tracker.begin_study(study)
    for step in (10, 20, 30):
        part = history.upto(step)
        points = points_of({name: part[name] for name in part}, lambda step: 1_700_000_000_000 + step)
        tracker.show_run(replace(run, status="running", metrics={}, growths=()), points, 1_700_000_000_000)
    _, (alive,) = read_back()

    tracker.project_run(run, history)

    _, (child,) = read_back()
    assert (alive.info.status, child.info.status) == ("RUNNING", "FINISHED")
    assert alive.info.run_id == child.info.run_id
    assert [point.step for point in client.get_metric_history(child.info.run_id, "train/loss/total")] == [*range(1, 41)]
    assert len(client.get_metric_history(child.info.run_id, "val/accuracy/all")) == 5


def test_a_run_that_failed_keeps_the_curves_that_led_to_it(
    tracker: MlflowTracker, client: MlflowClient, study: StudyRecord, make_run: MakeRun, read_back: ReadBack
) -> None:
    tracker.begin_study(study)
    tracker.show_run(make_run(), {Point("train/loss/total", step, 2.0**step): step for step in range(5)}, 1)

    tracker.project_run(make_run(status="failed", reason="diverged at step 5", metrics={}, growths=()), History())

    _, (child,) = read_back()
    assert child.info.status == "FAILED"
    assert len(client.get_metric_history(child.info.run_id, "train/loss/total")) == 5


def test_points_that_are_not_in_the_ledger_have_the_run_written_anew(
    tracker: MlflowTracker,
    client: MlflowClient,
    study: StudyRecord,
    run: RunRecord,
    history: History,
    read_back: ReadBack,
) -> None:
    tracker.begin_study(study)
    tracker.show_run(run, {Point("train/loss/total", 1, 99.0): 1}, 1)

    tracker.project_run(run, history)

    _, (child,) = read_back()
    assert 99.0 not in {p.value for p in client.get_metric_history(child.info.run_id, "train/loss/total")}


def test_who_is_neither_alive_nor_ended_was_killed_and_may_come_back(
    tracker: MlflowTracker, study: StudyRecord, make_run: MakeRun, read_back: ReadBack
) -> None:
    runs = [make_run(seed=seed, status="running") for seed in (0, 1)]
    tracker.begin_study(study)
    for each in runs:
        tracker.show_run(each, {}, 1)

    tracker.settle(study, runs[:1])
    parent, settled = read_back()
    tracker.settle(study, [])
    left, _ = read_back()
    tracker.show_run(runs[1], {}, 1)

    again, children = read_back()
    assert (parent.info.status, left.info.status, again.info.status) == ("RUNNING", "KILLED", "RUNNING")
    assert [child.info.status for child in settled] == ["RUNNING", "KILLED"]
    assert [child.info.status for child in children] == ["KILLED", "RUNNING"]


def test_what_is_shown_is_counted(tracker: MlflowTracker, study: StudyRecord, run: RunRecord, history: History) -> None:
    before = tracker.shown(run)
    tracker.begin_study(study)
    tracker.project_run(run, history)

    assert (before, tracker.shown(run)) == (0, len(history) + 3)


def test_a_damaged_snapshot_leaves_the_run_without_weights(
    client: MlflowClient, home: Path, study: StudyRecord, make_run: MakeRun, read_back: ReadBack, tmp_path: Path
) -> None:
    ends = StageAddress("cd" * 32, 40)
    folder = stage_folder(tmp_path, ends)
    folder.mkdir(parents=True)
    (folder / FILES[0]).write_bytes(b"damaged")
    tracker = MlflowTracker(default_tracking_uri(home), tmp_path)
    tracker.begin_study(study)

    tracker.project_run(make_run(stages=(ends,)), History())

    _, (child,) = read_back()
    assert child.info.status == "FINISHED"
    assert {file.path for file in client.list_artifacts(child.info.run_id)} == {
        "config.json",
        "figure.svg",
        "growths.json",
    }


def test_the_final_weights_are_an_artifact(
    client: MlflowClient,
    home: Path,
    study: StudyRecord,
    make_run: MakeRun,
    history: History,
    read_back: ReadBack,
    tmp_path: Path,
) -> None:
    ends = StageAddress("ab" * 32, 40)
    folder = stage_folder(tmp_path / "store", ends)
    folder.mkdir(parents=True)
    (folder / FILES[0]).write_bytes(save({"model/0/w": np.arange(6.0), "optimizer/0/w/m": np.zeros(6)}))
    tracker = MlflowTracker(default_tracking_uri(home), tmp_path / "store")
    tracker.begin_study(study)

    tracker.project_run(make_run(stages=(ends,)), history)

    _, (child,) = read_back()
    path = client.download_artifacts(child.info.run_id, "weights.safetensors", str(tmp_path))
    found = load_file(path)
    assert list(found) == ["0/w"]
    assert found["0/w"].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


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

    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(4)]

    for process in processes:
        assert (process.communicate()[0], process.returncode) == (b"", 0)
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/mlflow.sqlite")
    assert sorted(run.info.run_name or "" for run in client.search_runs(["1"])) == ["study", "trial 0 · a · seed 0"]
