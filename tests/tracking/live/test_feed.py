import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.core.history import History
from harness.staging.ledger import RunRecord
from harness.tracking.live.attempts import Attempt
from harness.tracking.live.feed import LiveFeed, NoFeed
from harness.tracking.live.format import live_files

MakeRun = Callable[..., RunRecord]


def measured(*steps: int) -> History:
    part = History()
    for step in steps:
        part.record(step, {"train/loss/total": 1 / step})
    return part


def only(home: Path, study: str) -> Attempt:
    (path,) = live_files(home, study)
    attempt = Attempt.open(path)
    assert attempt is not None
    return attempt


def test_a_part_reaches_a_reader_and_a_full_disk_costs_nothing(
    tmp_path: Path, run: RunRecord, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    feed = LiveFeed(tmp_path)
    feed.begin(run)
    feed.append(run.run_id, measured(1, 2))
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: write(descriptor, content[:9]))
    with caplog.at_level(logging.WARNING):
        feed.append(run.run_id, measured(3))
    monkeypatch.undo()
    feed.append(run.run_id, measured(4))

    attempt = only(tmp_path, run.study)
    attempt.read()

    assert [point.step for point in attempt.points] == [1, 2]
    assert "not shown further before it ends" in caplog.text


def test_errors_of_the_system_are_not_raised(
    tmp_path: Path, run: RunRecord, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    feed = LiveFeed(tmp_path)
    feed.begin(run)
    monkeypatch.setattr(os, "write", full)
    with caplog.at_level(logging.WARNING):
        feed.append(run.run_id, measured(1))
        feed.begin(run)
        LiveFeed(tmp_path / "file" / "below").begin(run)
    monkeypatch.undo()

    assert caplog.text.count("not shown") == 3
    assert not [path for path in (tmp_path / "live" / run.study).iterdir() if path.name.startswith(".")]


def test_a_home_that_is_a_file_is_no_reason_to_stop(
    tmp_path: Path, run: RunRecord, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    feed = LiveFeed(tmp_path / "file")

    with caplog.at_level(logging.WARNING):
        feed.begin(run)
        feed.append(run.run_id, measured(1))
        feed.end(run.run_id)

    assert "is not shown before it ends" in caplog.text


def test_a_second_attempt_has_a_file_of_its_own(tmp_path: Path, run: RunRecord) -> None:
    feed = LiveFeed(tmp_path)

    for _ in range(2):
        feed.begin(run)
        feed.append(run.run_id, measured(1))

    assert len(live_files(tmp_path, run.study)) == 2


def test_appending_takes_microseconds(tmp_path: Path, run: RunRecord) -> None:
    feed, part = LiveFeed(tmp_path), History()
    for step in range(25):
        part.record(step, {f"train/{number}": 0.5 for number in range(10)})
    feed.begin(run)

    began = time.perf_counter()
    for _ in range(200):
        feed.append(run.run_id, part)

    assert (time.perf_counter() - began) / 200 < 2e-3  # 250 points in some 50 µs, on a machine that may be busy


def test_a_run_is_sampled_when_it_begins_every_few_seconds_and_when_it_ends(
    tmp_path: Path, run: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, now = LiveFeed(tmp_path), [0.0]
    monkeypatch.setattr("harness.tracking.live.feed.time.monotonic", lambda: now[0])
    monkeypatch.setattr(
        "harness.tracking.live.feed.process_usage", lambda: {"memory_bytes": now[0], "processor_s": 0.0}
    )
    feed.begin(run)
    for now[0] in (1.0, 5.0, 9.0, 11.0):
        feed.append(run.run_id, measured(int(now[0])))
    feed.end(run.run_id)

    attempt = only(tmp_path, run.study)
    attempt.read()

    memory = [point.value for point in attempt.system.points if point.key == "system/memory_bytes"]
    assert memory == [0.0, 5.0, 11.0]  # the one of the end equals the one before it


def test_nobody_may_listen(run: RunRecord, history: History) -> None:
    feed = NoFeed()

    feed.begin(run)
    feed.append(run.run_id, history)
    feed.end(run.run_id)


def test_what_was_never_begun_is_not_heard(tmp_path: Path, run: RunRecord, history: History) -> None:
    feed = LiveFeed(tmp_path)

    feed.append(run.run_id, history)
    feed.end(run.run_id)

    assert live_files(tmp_path, run.study) == []
