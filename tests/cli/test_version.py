import subprocess
from collections.abc import Callable

import harness

Call = Callable[..., subprocess.CompletedProcess[str]]


def test_the_version_is_said(call: Call) -> None:
    ended = call("--version")

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"harness {harness.__version__}\n", "")
