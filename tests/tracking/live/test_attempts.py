import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.core.history import History
from harness.staging.ledger import RunRecord
from harness.tracking.content.points import Point
from harness.tracking.live.attempts import Attempt, Attempts, Readers
from harness.tracking.live.feed import LiveFeed
from harness.tracking.live.format import live_files, live_folder
from harness.tracking.live.frames import frame

ALIVE = """
import sys, time
from pathlib import Path
from harness.core.history import History
from harness.staging.ledger import RunRecord
from harness.tracking.live.feed import LiveFeed
feed, part = LiveFeed(Path(sys.argv[1])), History()
part.record(1, {"a": 0.5})
feed.begin(RunRecord("study", 0, "arm", 0, "id", {}, {}, "running"))
feed.append("id", part)
print("begun", flush=True)
time.sleep(600)
"""


def opened(path: Path) -> Attempt:
    attempt = Attempt.open(path)
    assert attempt is not None
    attempt.read()
    return attempt


def test_everything_that_was_written_is_read_once_and_in_order(tmp_path: Path, run: RunRecord) -> None:
    feed, whole = LiveFeed(tmp_path), History()
    feed.begin(run)
    (path,) = live_files(tmp_path, run.study)
    attempt = opened(path)
    for step in range(1, 60):
        part = History()
        part.record(step, {"train/loss/total": 1 / step, "val/accuracy/all[0]": 0.5, "nan": float("nan")})
        feed.append(run.run_id, part)
        whole = whole.then(part)
        if step % 7 == 0:
            attempt.read()
    attempt.read()

    assert [point.value for point in attempt.points if point.key == "train/loss/total"] == [
        *whole["train/loss/total"].values
    ]
    assert {point.key for point in attempt.points} == {"train/loss/total", "val/accuracy/all_0_"}
    assert (attempt.record.trial, attempt.record.arm, attempt.record.seed) == (run.trial, run.arm, run.seed)
    assert (attempt.record.params, attempt.record.config) == (run.params, run.config)


def test_points_of_frames_that_are_read_together_have_the_times_of_their_frames(
    tmp_path: Path, run: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = LiveFeed(tmp_path)
    feed.begin(run)
    for second, steps in enumerate([(1, 2), (3,), (), (4, 5)]):
        part = History()
        for step in steps:
            part.record(step, {"train/loss/total": 1 / step})
        monkeypatch.setattr("harness.tracking.live.format.time.time", lambda now=second: float(now))
        feed.append(run.run_id, part)

    attempt = opened(live_files(tmp_path, run.study)[0])

    assert {point.step: ms for point, ms in attempt.points.items()} == {1: 0, 2: 0, 3: 1000, 4: 3000, 5: 3000}


def test_a_run_that_is_alive_has_its_commit(tmp_path: Path, make_run: Callable[..., RunRecord]) -> None:
    LiveFeed(tmp_path).begin(make_run(commit="abc"))

    assert opened(live_files(tmp_path, make_run().study)[0]).record.commit == "abc"


def test_a_growth_that_leaves_an_accuracy_what_it_was_is_two_points(tmp_path: Path, run: RunRecord) -> None:
    feed, part = LiveFeed(tmp_path), History()
    part.record(20, {"val": 0.5})
    feed.begin(run)
    feed.append(run.run_id, part)
    feed.append(run.run_id, part)

    attempt = opened(live_files(tmp_path, run.study)[0])

    assert list(attempt.points) == [Point("val", 20, 0.5, 0), Point("val", 20, 0.5, 1)]


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_torn_tail_is_read_when_it_is_whole(tmp_path: Path, run: RunRecord, cut: int) -> None:
    feed, part = LiveFeed(tmp_path), History()
    part.record(1, {"a": 0.5, "b": 0.25})
    feed.begin(run)
    feed.append(run.run_id, part)
    (path,) = live_files(tmp_path, run.study)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    attempt = opened(path)
    before = dict(attempt.points)

    path.write_bytes(whole)
    attempt.read()

    assert (len(before), len(attempt.points)) == (0, 2)


def test_a_run_is_alive_until_its_process_is_not(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ALIVE, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        attempt = opened(live_files(tmp_path, "study")[0])
        alive, points = attempt.alive, list(attempt.points)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    attempt.read()

    assert (alive, points, attempt.alive) == (True, [Point("a", 1, 0.5)], False)


def test_a_run_that_was_ended_is_not_alive(tmp_path: Path, run: RunRecord) -> None:
    feed = LiveFeed(tmp_path)
    feed.begin(run)
    attempt = opened(live_files(tmp_path, run.study)[0])
    alive = attempt.alive
    feed.end(run.run_id)

    attempt.read()

    assert (alive, attempt.alive) == (True, False)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"something else entirely",
        b"\0" * 64,
        frame(b"[" * 10_000),
        frame(b'{"began": 1.0}'),
        frame(
            b'{"began": 1e999, "study": "", "trial": 0, "arm": "", "seed": 0, "run_id": "", "params": {}, "config": {}}'
        ),
        frame(b'{"began": 1, "study": 2, "trial": 0, "arm": "", "seed": 0, "run_id": "", "params": {}, "config": {}}'),
    ],
)
def test_a_file_that_is_none_of_ours_is_no_attempt(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.live"
    path.write_bytes(content)

    assert Attempt.open(path) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[" * 10_000,
        b"[]\n",
        b'{"ms": 1}\n',
        b'{"ms": 1e999, "series": []}\n',
        b'{"ms": 1, "series": [["a", 1]]}\n',
        b'{"ms": 1, "series": [["a", -1]]}\n' + bytes(16),
        b'{"ms": 1, "series": [[2, 1]]}\n' + bytes(16),
        b'{"ms": 1, "series": [["a", 1]]}\n' + bytes(17),
        b'{"ms": 1, "series": [], "memory_bytes": []}\n',
    ],
)
def test_a_frame_that_cannot_be_read_is_passed_over_in_a_line(
    tmp_path: Path, run: RunRecord, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    feed = LiveFeed(tmp_path)
    feed.begin(run)
    (path,) = live_files(tmp_path, run.study)
    for step in (1, 2):
        part = History()
        part.record(step, {"a": 0.5})
        feed.append(run.run_id, part)
        with path.open("ab") as file:
            file.write(frame(content))

    attempt = opened(path)

    assert {point.step for point in attempt.points} == {1, 2}
    assert len(caplog.messages) == 2
    assert all("cannot be read" in message and "\n" not in message for message in caplog.messages)


def test_of_frames_whose_steps_go_back_all_points_are_shown(tmp_path: Path, run: RunRecord) -> None:
    feed = LiveFeed(tmp_path)
    feed.begin(run)
    for step in (100, 5):
        part = History()
        part.record(step, {"a": 0.5})
        feed.append(run.run_id, part)

    assert {point.step for point in opened(live_files(tmp_path, run.study)[0]).points} == {5, 100}


def test_a_file_that_somebody_removed_is_not_alive(tmp_path: Path, run: RunRecord) -> None:
    feed = LiveFeed(tmp_path)
    feed.begin(run)
    (path,) = live_files(tmp_path, run.study)
    attempt = opened(path)
    path.unlink()

    attempt.read()

    assert not attempt.alive
    assert Attempt.open(path) is None


def test_no_study_has_no_attempts(tmp_path: Path) -> None:
    assert live_files(tmp_path, "nothing") == []
    assert not live_folder(tmp_path, "nothing").exists()


def test_of_several_that_read_the_files_the_last_that_is_done_with_one_removes_it(
    tmp_path: Path, run: RunRecord
) -> None:
    LiveFeed(tmp_path).begin(run)
    readers = Readers(2)
    one, other = (Attempts(tmp_path, run.study, readers=readers) for _ in range(2))
    for reader in (one, other):
        reader.read()

    one.remove(next(iter(one)))
    one.read()
    left = live_files(tmp_path, run.study)
    other.remove(next(iter(other)))

    assert len(left) == 1
    assert (list(one), live_files(tmp_path, run.study)) == ([], [])
