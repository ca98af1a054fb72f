import json
import os
import subprocess
import sys

import pytest

from harness.staging.process_identity import has_ended, process_identity

HERE = json.loads(process_identity())


def test_this_process_is_there() -> None:
    assert not has_ended(process_identity())
    assert HERE[2] == os.getpid()


@pytest.mark.parametrize(
    ("owner", "gone"),
    [
        ([HERE[0], HERE[1], 2**22 + 1, HERE[3]], True),  # no such process
        ([HERE[0], HERE[1], HERE[2], HERE[3] - 5], True),  # another process has its id now
        ([HERE[0], "an earlier start", HERE[2], HERE[3]], True),
        (["another machine", HERE[1], 2**22 + 1, HERE[3]], False),  # nothing is known of it
    ],
)
def test_what_is_known_of_others(owner: list[object], gone: bool) -> None:
    assert has_ended(json.dumps(owner)) == gone


def test_a_killed_process_that_nobody_waited_for_is_gone() -> None:
    code = (
        "from harness.staging.process_identity import process_identity; print(process_identity(), flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        owner = process.stdout.readline().decode()
        assert not has_ended(owner)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

        assert has_ended(owner)
