import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from harness.staging.process_identity import has_ended, is_running, process_identity

HERE = json.loads(process_identity())


def test_this_process_is_there() -> None:
    assert not has_ended(process_identity())
    assert HERE[2] == os.getpid()


@pytest.mark.parametrize(
    ("owner", "gone"),
    [
        ([HERE[0], HERE[1], 2**22 + 1, HERE[3]], True),  # no such process
        ([HERE[0], HERE[1], HERE[2], "tick 5"], True),  # another process has its id now
        ([HERE[0], HERE[1], HERE[2], 5.0], True),  # the same, noted by an earlier version
        ([HERE[0], HERE[1], HERE[2], psutil.Process().create_time()], False),
        ([HERE[0], "an earlier start", HERE[2], HERE[3]], True),
        (["another machine", HERE[1], 2**22 + 1, HERE[3]], False),  # nothing is known of it
    ],
)
def test_what_is_known_of_others(owner: list[object], gone: bool) -> None:
    assert has_ended(json.dumps(owner)) == gone
    assert is_running(json.dumps(owner)) == (not gone and owner[0] == HERE[0])


@pytest.mark.parametrize("step_s", [-3600.0, 3600.0])
def test_setting_the_clock_ends_nobody(monkeypatch: pytest.MonkeyPatch, step_s: float) -> None:
    identity, created = process_identity(), psutil.Process().create_time()
    monkeypatch.setattr("time.time", lambda now=time.time: now() + step_s)
    monkeypatch.setattr("psutil.boot_time", lambda now=psutil.boot_time: now() + step_s)
    monkeypatch.setattr(psutil.Process, "create_time", lambda _: created + step_s)

    assert not has_ended(identity)
    assert process_identity() == identity


def test_a_process_that_is_hidden_is_not_taken_for_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    identity = process_identity()
    monkeypatch.setattr("harness.staging.process_identity._fields", lambda _: [])

    assert not has_ended(identity)


def test_without_a_file_system_of_processes_the_system_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.staging.process_identity._fields", lambda _: [])
    monkeypatch.setattr("harness.staging.process_identity._machine", lambda: ("here", ""))
    identity = process_identity()

    host, boot, pid, start = json.loads(identity)
    assert (host, boot, start) == ("here", "", psutil.Process().create_time())
    assert not has_ended(identity)
    assert has_ended(json.dumps([host, boot, pid, start + 1]))


def test_a_killed_process_that_nobody_waited_for_is_gone() -> None:
    code = (
        "from harness.staging.process_identity import process_identity; print(process_identity(), flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        owner = process.stdout.readline().decode()
        assert not has_ended(owner)
        process.send_signal(signal.SIGSTOP)
        assert is_running(owner)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

        assert has_ended(owner)
