import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.diagnosis import Finding

Call = Callable[..., subprocess.CompletedProcess[str]]


def test_everything_that_was_looked_at_is_listed_and_nothing_written(call: Call, workplace: Path) -> None:
    before = sorted(workplace.rglob("*"))

    ended = call("doctor")

    assert (ended.returncode, ended.stderr) == (0, "")
    subjects = [line.split()[1] for line in ended.stdout.splitlines() if line.startswith(("ok", "missing"))]
    assert {"harness", "python", "torch", "processor", "home", "ledger", "mlflow"} <= set(subjects)
    assert "All that harness needs is there" in ended.stdout
    assert sorted(workplace.rglob("*")) == before


def test_what_keeps_harness_from_working_is_named_last_and_ends_with_1(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "harness.diagnosis.look_at_software", lambda: [Finding("torch", "not installed", "wrong", "install it")]
    )

    ended = call("doctor")

    assert ended.returncode == 1
    assert "wrong    torch      not installed\n                      install it\n" in ended.stdout
    assert ended.stdout.endswith("To be put right first: torch.\n")
