"""Faults in the n-th call of a command to the system: writes, syncs, renames and the like, those of SQLite among them.

A campaign tries every call of every command; with HARNESS_CALLS_STRIDE=n only every n-th of them.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import harness
from tests.cli.conftest import STUDY
from tests.figures import save_figures
from tests.integration.nth_call.faults import FAULTS, FIGURES, Case
from tests.integration.nth_call.invariants import COMMANDS

ROOT = Path(harness.__file__).parents[1]
SHIM = Path(__file__).parent / "nth_call" / "shim.c"
STRIDE = int(os.environ.get("HARNESS_CALLS_STRIDE", "1"))
# Where something went wrong once: tables that are half made, a registration in the ledger alone, a full disk.
CHOSEN: list[Case] = [
    ("register", "kill", 40, 1, 1),
    ("register", "full", 100, 1, 1),
    ("run", "kill", 1000, 1, 1),
    ("run", "full", 700, 1, 1),
]


def figures_of(cases: list[Case], folder: Path) -> list[dict[str, object]]:
    """Return what came of each case, a command and a fault."""
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("no C compiler, or a system without /proc")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", folder / "shim.so", SHIM, "-ldl"], check=True)
    (folder / "study.py").write_text(STUDY.replace("trials=2", "trials=1"))
    own = {name: value for name, value in os.environ.items() if not name.startswith(("HARNESS_", "MLFLOW_"))}
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.nth_call.driver", json.dumps(cases)],
        cwd=folder,
        env=own | {"PYTHONPATH": str(ROOT), "LD_PRELOAD": str(folder / "shim.so"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line.removeprefix(FIGURES)) for line in done.stdout.splitlines() if line.startswith(FIGURES)]


@pytest.mark.slow
def test_a_fault_in_a_chosen_call_loses_nothing_and_the_same_command_goes_on(tmp_path: Path) -> None:
    found = figures_of(CHOSEN, tmp_path)

    assert [line for one in found for line in one["violations"]] == []  # type: ignore[attr-defined]
    assert [one["tried"] for one in found] == [most for *_, most in CHOSEN]


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_fault_in_any_call_loses_nothing_and_the_same_command_goes_on(
    tmp_path: Path, command: str, fault: str
) -> None:
    (found,) = figures_of([(command, fault, 1, STRIDE, 0)], tmp_path)

    save_figures(f"calls-{command}-{fault}", {**found, "stride": STRIDE})
    assert found["violations"] == []
    assert found["tried"]
