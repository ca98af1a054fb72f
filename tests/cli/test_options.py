import subprocess
from collections.abc import Callable

import pytest


def test_the_home_is_what_the_environment_says(
    call: Callable[..., subprocess.CompletedProcess[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_HOME", "there")

    ended = call("report", "tiny")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert "no study 'tiny' was begun in there" in ended.stderr
