from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking.content.points import Point, points_of
from harness.tracking.mlflow._base import AbstractConnection
from harness.tracking.mlflow.client import ClientConnection, MlflowClient, Run
from harness.tracking.mlflow.location import default_tracking_uri
from harness.tracking.mlflow.rows import RowConnection
from harness.tracking.mlflow.tracker import MlflowTracker

MakeRun = Callable[..., RunRecord]
ReadBack = Callable[[], tuple[Run, list[Run]]]


def test_the_commit_is_the_one_that_is_recorded_with_the_run(
    tracker: MlflowTracker, study: StudyRecord, make_run: MakeRun, read_back: ReadBack
) -> None:
    tracker.begin_study(study)
    shown = []
    for commit in ("", "abc", "def", ""):  # trained anew each time, first and last where no commit was known
        tracker.project_run(make_run(commit=commit), History())
        shown.append(read_back()[1][0].data.tags.get("git_commit"))

    assert shown == [None, "abc", "def", None]


def test_a_run_that_is_done_anew_has_no_outcome_until_it_ends(
    tracker: MlflowTracker, study: StudyRecord, make_run: MakeRun, history: History, read_back: ReadBack
) -> None:
    tracker.begin_study(study)
    tracker.project_run(make_run(status="failed", reason="diverged at step 3", metrics={}), History())

    tracker.show_live_run(make_run(status="running"), {}, 1)
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
    before = [run.to_dictionary() for run in (read_back()[0], *read_back()[1])]
    project()

    parent, (child,) = read_back()
    assert [parent.to_dictionary(), child.to_dictionary()] == before
    assert len(client.get_metric_history(child.info.run_id, "train/loss/total")) == 40


@pytest.mark.parametrize("connection", [RowConnection, ClientConnection])
@pytest.mark.parametrize("where", ["create_run", "log_batch", "log_inputs", "log_file", "update_run"])
def test_an_interruption_anywhere_is_made_up_for(
    home: Path,
    client: MlflowClient,
    study: StudyRecord,
    run: RunRecord,
    history: History,
    read_back: ReadBack,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    connection: type[AbstractConnection],
) -> None:
    uri = default_tracking_uri(home)
    if connection is ClientConnection:
        monkeypatch.setattr("harness.tracking.mlflow.tracker.open_connection", ClientConnection)
    tracker = MlflowTracker(uri, points="all")
    if where == "update_run":  # of a run that was named when more were planned
        tracker.begin_study(replace(study, trials=1000))
        tracker.show_live_run(replace(run, status="running"), {}, 1)
    tracker.begin_study(study)
    whole = getattr(connection, where)

    deaths = []

    def write_and_die(*args: Any, **kwargs: Any) -> None:
        whole(*args, **kwargs)
        deaths.append(where)
        raise KeyboardInterrupt

    for _ in range(3):
        before = len(deaths)
        with monkeypatch.context() as patch, suppress(KeyboardInterrupt):
            patch.setattr(connection, where, write_and_die)
            tracker.project_run(run, history)
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
        tracker.show_live_run(replace(run, status="running", metrics={}, growths=()), points, 1_700_000_000_000)
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
    tracker.show_live_run(make_run(), {Point("train/loss/total", step, 2.0**step): step for step in range(5)}, 1)

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
    tracker.show_live_run(run, {Point("train/loss/total", 1, 99.0): 1}, 1)

    tracker.project_run(run, history)

    _, (child,) = read_back()
    assert 99.0 not in {p.value for p in client.get_metric_history(child.info.run_id, "train/loss/total")}


def test_who_is_neither_alive_nor_ended_was_killed_and_may_come_back(
    tracker: MlflowTracker, study: StudyRecord, make_run: MakeRun, read_back: ReadBack
) -> None:
    runs = [make_run(seed=seed, status="running") for seed in (0, 1)]
    tracker.begin_study(study)
    for each in runs:
        tracker.show_live_run(each, {}, 1)

    tracker.mark_dead_runs(study, runs[:1])
    parent, settled = read_back()
    tracker.mark_dead_runs(study, [])
    left, _ = read_back()
    tracker.show_live_run(runs[1], {}, 1)

    again, children = read_back()
    assert (parent.info.status, left.info.status, again.info.status) == ("RUNNING", "KILLED", "RUNNING")
    assert [child.info.status for child in settled] == ["RUNNING", "KILLED"]
    assert [child.info.status for child in children] == ["KILLED", "RUNNING"]


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


def test_a_run_of_which_an_earlier_version_showed_every_point_stays_as_it_is(
    tracker: MlflowTracker,
    home: Path,
    client: MlflowClient,
    study: StudyRecord,
    run: RunRecord,
    history: History,
    read_back: ReadBack,
) -> None:
    tracker.begin_study(study)
    tracker.project_run(run, history)
    _, (before,) = read_back()
    thinned = MlflowTracker(default_tracking_uri(home))

    thinned.begin_study(study)
    thinned.project_run(run, history)
    thinned.show_live_run(replace(run, status="running"), {Point("train/loss/total", 10, 0.1): 5}, 1)
    thinned.project_run(run, history)

    _, (child,) = read_back()
    assert child.info.run_id == before.info.run_id
    assert child.info.status == "FINISHED"
    assert len(client.get_metric_history(child.info.run_id, "train/loss/total")) == 40


def test_every_point_can_be_shown_later(
    tracker: MlflowTracker,
    home: Path,
    client: MlflowClient,
    study: StudyRecord,
    run: RunRecord,
    history: History,
    read_back: ReadBack,
) -> None:
    thinned = MlflowTracker(default_tracking_uri(home))
    thinned.begin_study(study)
    thinned.project_run(run, history)
    _, (before,) = read_back()
    few = len(client.get_metric_history(before.info.run_id, "train/loss/total"))

    tracker.begin_study(study)
    tracker.project_run(run, history)

    _, (child,) = read_back()
    assert few == 4
    assert child.info.run_id == before.info.run_id
    assert len(client.get_metric_history(child.info.run_id, "train/loss/total")) == 40


def test_points_that_were_written_here_are_not_read_back(
    tracker: MlflowTracker,
    study: StudyRecord,
    run: RunRecord,
    history: History,
    read_back: ReadBack,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(RowConnection, "get_metric_history", lambda *arguments: asked.append(arguments))
    tracker.begin_study(study)
    tracker.show_live_run(replace(run, status="running"), {Point("train/loss/total", 1, 1.0): 5}, 1)

    tracker.project_run(run, history)

    _, (child,) = read_back()
    assert (child.info.status, asked) == ("FINISHED", [])
