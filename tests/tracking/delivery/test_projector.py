import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Self

import pytest

from harness.core.errors import HarnessError
from harness.core.history import History
from harness.staging.histories import METRICS_FILES, stage_folder
from harness.staging.ledger import Ledger, RunRecord, StageAddress, StudyRecord
from harness.staging.study_spec import StudySpec
from harness.staging.workspace import Workspace
from harness.tracking._base import AbstractTracker, Place
from harness.tracking.content.points import Point
from harness.tracking.delivery import projector as module
from harness.tracking.delivery.projector import Projector
from harness.tracking.delivery.undelivered import Undelivered
from harness.tracking.live.feed import LiveFeed
from harness.tracking.live.format import live_files
from harness.tracking.memory import MemoryTracker

MakeRun = Callable[..., RunRecord]


class Flaky(AbstractTracker):
    """A memory tracker that cannot be reached as long as `down` is set."""

    def __init__(self) -> None:
        self.memory = MemoryTracker("all")
        self.down = False
        self.calls = 0
        self.on_project: Callable[[], object] = lambda: None

    def _reach(self) -> MemoryTracker:
        self.calls += 1
        if self.down:
            raise HarnessError("MLflow at http://nowhere cannot be used (no answer)")
        return self.memory

    @classmethod
    def open(cls, place: Place) -> Self:
        raise NotImplementedError

    def begin_study(self, study: StudyRecord) -> None:
        self._reach().begin_study(study)

    def show_live_run(self, record: RunRecord, points: Mapping[Point, int], began_ms: int) -> None:
        self._reach().show_live_run(record, points, began_ms)

    def project_run(self, record: RunRecord, history: History) -> None:
        self.on_project()
        self._reach().project_run(record, history)

    def mark_dead_runs(self, study: StudyRecord, alive: object) -> None:
        self._reach().mark_dead_runs(study, alive)  # type: ignore[arg-type]

    def end_study(self, study: StudyRecord, summary: str) -> None:
        self._reach().end_study(study, summary)

    def count_shown_points(self, record: RunRecord) -> int:
        return self.memory.count_shown_points(record)


@pytest.fixture
def workspace(tmp_path: Path, study: StudyRecord) -> Workspace:
    """A home in which the study was begun."""
    workspace = Workspace(tmp_path).create()
    workspace.ledger.save_study(replace(study, trials=8, seeds=1))
    return workspace


@pytest.fixture
def tracker() -> Flaky:
    return Flaky()


@pytest.fixture
def projector(workspace: Workspace, study: StudyRecord, tracker: Flaky) -> Projector:
    return Projector(workspace, study.name, lambda: tracker, points="all")


def commit(home: Path, record: RunRecord, history: History) -> RunRecord:
    """Store a run of one stage, and enter it into the ledger."""
    ends = StageAddress(f"{record.trial:02d}{record.seed:062d}", 40)
    folder = stage_folder(home / "store", ends)
    folder.mkdir(parents=True)
    for name, part in zip(METRICS_FILES, (history, History()), strict=True):
        (folder / name).write_bytes(part.to_bytes())
    Ledger(home).save_run(replace(record, stages=(ends,)))
    return replace(record, stages=(ends,))


def test_what_a_run_takes_of_the_machine_is_shown_with_it_and_not_counted_as_its_own(
    tmp_path: Path, workspace: Workspace, study: StudyRecord, run: RunRecord, tracker: Flaky
) -> None:
    LiveFeed(tmp_path).begin(run)
    projector = Projector(workspace, study.name, lambda: tracker, system=True)

    projector.deliver()

    (points,) = tracker.memory.live.values()
    assert [point.key for point in points] == ["system/memory_bytes"]
    assert tracker.memory.count_shown_points(run) == 0


@pytest.mark.parametrize("wanted", [True, False])
def test_a_run_that_nobody_saw_alive_has_a_first_and_a_last_sample_if_they_are_wanted(
    tmp_path: Path,
    workspace: Workspace,
    study: StudyRecord,
    run: RunRecord,
    history: History,
    tracker: Flaky,
    wanted: bool,
) -> None:
    feed, seen = LiveFeed(tmp_path), list[list[Point]]()
    feed.begin(run)
    feed.append(run.run_id, history)
    feed.end(run.run_id)
    commit(tmp_path, run, history)
    tracker.on_project = lambda: seen.append([point for points in tracker.memory.live.values() for point in points])

    Projector(workspace, study.name, lambda: tracker, system=wanted).deliver()

    keys = {"system/memory_bytes", "system/cpu_percent"}
    assert [{point.key for point in points} for points in seen] == [keys if wanted else set()]


def test_a_run_is_shown_alive_and_then_whole(
    tmp_path: Path, projector: Projector, tracker: Flaky, run: RunRecord, history: History
) -> None:
    feed, key = LiveFeed(tmp_path), (run.study, run.trial, run.arm, run.seed)
    feed.begin(run)
    feed.append(run.run_id, history.upto(20))
    projector.deliver()
    alive = dict(tracker.memory.live[key])
    feed.end(run.run_id)
    commit(tmp_path, run, history)

    projector.deliver()

    assert len(alive) == len(history.upto(20))
    assert tracker.memory.live == {}
    assert len(tracker.memory.runs[key].metrics["train/loss/total"].steps) == 40
    assert live_files(tmp_path, run.study) == []


def test_a_file_that_is_still_written_to_is_left_alone(
    tmp_path: Path, projector: Projector, run: RunRecord, history: History
) -> None:
    feed = LiveFeed(tmp_path)
    feed.begin(run)
    commit(tmp_path, run, history)

    projector.deliver()
    during = len(live_files(tmp_path, run.study))
    feed.end(run.run_id)
    projector.deliver()

    assert (during, len(live_files(tmp_path, run.study))) == (1, 0)


def test_what_led_to_a_failure_is_shown_with_it(
    tmp_path: Path, projector: Projector, tracker: Flaky, run: RunRecord, history: History
) -> None:
    feed = LiveFeed(tmp_path)
    feed.begin(run)
    feed.append(run.run_id, history)
    feed.end(run.run_id)
    Ledger(tmp_path).save_run(replace(run, status="failed", reason="diverged", metrics={}))
    shown: list[int] = []
    tracker.on_project = lambda: shown.append(tracker.memory.count_shown_points(run))

    projector.deliver()

    assert shown == [len(history)]


def test_what_was_delivered_is_not_delivered_again(
    tmp_path: Path, projector: Projector, tracker: Flaky, run: RunRecord, history: History
) -> None:
    commit(tmp_path, run, history)
    projector.deliver()
    calls = tracker.calls

    projector.deliver()

    assert tracker.calls == calls


def test_nothing_is_lost_while_the_tracker_is_down(
    tmp_path: Path, projector: Projector, tracker: Flaky, run: RunRecord
) -> None:
    feed, key = LiveFeed(tmp_path), (run.study, run.trial, run.arm, run.seed)
    feed.begin(run)
    for step in (10, 20, 30):
        tracker.down = step == 20
        part = History()
        part.record(step, {"a": float(step)})
        feed.append(run.run_id, part)
        projector._try()

    assert [point.step for point in tracker.memory.live[key]] == [10, 20, 30]


def test_what_could_not_be_delivered_is_counted(
    tmp_path: Path, projector: Projector, tracker: Flaky, make_run: MakeRun, history: History
) -> None:
    for seed in (0, 1):
        commit(tmp_path, make_run(seed=seed), history)
    feed, part = LiveFeed(tmp_path), History()
    part.record(1, {"a": 1.0})
    alive = make_run(seed=2, run_id="alive")
    feed.begin(alive)
    feed.append(alive.run_id, part)
    projector._read()
    tracker.down = True

    left = projector.finish(retry_for_s=0)

    assert (left.runs, left.points) == (2, 2 * (len(history) + 3) + 1)
    assert "no answer" in left.reason


def test_finishing_waits_for_a_tracker_that_comes_back(
    tmp_path: Path,
    projector: Projector,
    tracker: Flaky,
    run: RunRecord,
    history: History,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commit(tmp_path, run, history)
    tracker.down = True

    def wait(_: float) -> None:
        tracker.down = False

    monkeypatch.setattr("harness.tracking.delivery.projector.time.sleep", wait)

    assert projector.finish() == Undelivered()
    assert len(tracker.memory.runs) == 1


def test_a_study_is_followed_until_told_to_stop(
    tmp_path: Path, projector: Projector, tracker: Flaky, run: RunRecord, history: History
) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=projector.follow, args=(stop,), kwargs={"poll_s": 0.01})
    thread.start()

    commit(tmp_path, run, history)
    while not tracker.memory.runs:
        stop.wait(0.01)
    stop.set()
    thread.join(10)

    assert not thread.is_alive()


def test_failures_are_followed_by_longer_and_longer_waits(
    projector: Projector, tracker: Flaky, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0)
            tracker.down = len(waits) < 10
            return len(waits) > 11

    monkeypatch.setattr(module, "POLL_S", 0.5)
    tracker.down = True

    projector.follow(Stop(), poll_s=0.5)

    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 0.5, 0.5]


def test_a_tracker_that_stays_away_is_complained_about_once(
    tmp_path: Path, projector: Projector, tracker: Flaky, run: RunRecord, caplog: pytest.LogCaptureFixture
) -> None:
    feed = LiveFeed(tmp_path)
    feed.begin(run)
    for tracker.down in (True, True, False, True):
        projector._try()

    assert caplog.text.count("not delivered yet") == 2


def test_a_study_that_is_not_begun_yet_is_waited_for(tmp_path: Path, tracker: Flaky) -> None:
    workspace = Workspace(tmp_path).create()

    assert Projector(workspace, "later", lambda: tracker).finish() == Undelivered()
    assert tracker.calls == 0


def test_a_whole_study_ends_with_its_outcome(
    tmp_path: Path, workspace: Workspace, study: StudyRecord, projector: Projector, tracker: Flaky, run: RunRecord
) -> None:
    workspace.ledger.save_study(
        replace(study, trials=1, seeds=1, spec=StudySpec({**study.spec, "arms": {"unfrozen": {}}}))
    )
    commit(tmp_path, run, History())

    projector.finish()

    assert tracker.memory.summaries == {study.name: "1 completed"}


def test_who_died_long_ago_is_shown_as_killed_while_others_go_on(
    tmp_path: Path,
    projector: Projector,
    tracker: Flaky,
    make_run: MakeRun,
    history: History,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = [make_run(seed=seed, run_id=str(seed)) for seed in (0, 1)]
    feed = LiveFeed(tmp_path)
    for each in runs:
        feed.begin(each)
        feed.append(each.run_id, history)
    projector.deliver()
    feed.end("0")
    projector.deliver()
    recently = len(tracker.memory.live)

    monkeypatch.setattr(module, "GRACE_S", -1.0)
    projector.deliver()

    assert recently == 2
    assert [key[3] for key in tracker.memory.live] == [1]
    feed.end("1")


def test_a_run_that_ended_while_others_were_shown_is_not_taken_for_killed(
    tmp_path: Path,
    projector: Projector,
    tracker: Flaky,
    make_run: MakeRun,
    history: History,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = (make_run(seed=seed, run_id=str(seed)) for seed in (0, 1))
    feed = LiveFeed(tmp_path)
    for each in (first, second):
        feed.begin(each)
        feed.append(each.run_id, history)
    projector.deliver()
    feed.end("0")
    commit(tmp_path, first, history)

    def end_second() -> None:
        feed.end("1")
        commit(tmp_path, second, history)
        tracker.on_project = lambda: None

    tracker.on_project = end_second
    monkeypatch.setattr(module, "GRACE_S", -1.0)
    projector.deliver()

    assert [key[3] for key in tracker.memory.live] == [1]


def test_a_history_that_was_evicted_leaves_the_results(
    tmp_path: Path, projector: Projector, tracker: Flaky, run: RunRecord
) -> None:
    Ledger(tmp_path).save_run(replace(run, stages=(StageAddress("ab", 3),)))

    projector.deliver()

    (entry,) = tracker.memory.runs.values()
    assert set(entry.metrics) == {"final/accuracy_all", "final/seconds", "growth/parameters_added"}


def test_a_run_of_two_stages_is_shown_with_its_whole_history(
    tmp_path: Path, projector: Projector, tracker: Flaky, run: RunRecord, history: History
) -> None:
    stages = (StageAddress("aa", 20), StageAddress("bb", 40))
    first = history.upto(20)
    second = history.since({name: len(first[name].steps) for name in first})
    for address, part in zip(stages, (first, second), strict=True):
        folder = stage_folder(tmp_path / "store", address)
        folder.mkdir(parents=True)
        for name, content in zip(METRICS_FILES, (part, History()), strict=True):
            (folder / name).write_bytes(content.to_bytes())
    Ledger(tmp_path).save_run(replace(run, stages=stages))

    projector.deliver()

    (entry,) = tracker.memory.runs.values()
    assert entry.metrics["train/loss/total"] == history["train/loss/total"]
    assert tracker.memory.summaries == {}
