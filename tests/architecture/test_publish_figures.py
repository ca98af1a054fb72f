"""What campaigns count is published, each figure of a kind beside its target."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.figures import VARIABLE, save_figures
from tests.publish_figures import publish

NOTHING = {"lost": 0, "twice": 0, "stuck": 0}
COUNTED: dict[str, dict[str, Any]] = {
    "kills-file-workers": {
        "database": "file", "processes": "workers", "kills": 300, "killed": {"worker": 300}, "homes": 30, "most": 10,
        "runs": 90, "unequal": 0, **NOTHING,
    },
    "power-run": {"command": "run", "states": 20, "tried": 10, "violations": []},
    "calls-run-kill": {"command": "run", "fault": "kill", "calls": 20, "tried": 10, "violations": ["call 3: lost"]},
    "hosts-launch-lost": {"runs": 6, "unequal to the bit": 0, **NOTHING, "ended_s": 80.456},
    "hosts-locked": {"locked_s": 30.5},
    "fuzzing-live-run": {"tried": 50, "refused": 20, "failed": {"TypeError at format.py:64": 2}, "first": {}},
}  # fmt: skip


def test_every_kind_of_figures_is_published_beside_its_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "figures"))
    for name, counted in COUNTED.items():
        save_figures(name, counted)

    publish(tmp_path / "figures", tmp_path / "out")

    rows = (tmp_path / "out" / "README.md").read_text().splitlines()
    assert [row for row in rows if row.endswith("| no |")] == [
        "| calls after whose fault something was wrong | 1 | <= 0 | no |",
        "| damages that raised, hung or filled the memory | 2 | <= 0 | no |",
    ]
    assert "| hosts: launch lost, ended (s) | 80.5 |  |  |" in rows
    figures = json.loads((tmp_path / "out" / "figures.json").read_text())
    assert {"SIGKILLs", "hosts: runs", "hosts: locked, locked (s)"} <= {one["figure"] for one in figures}
