"""Losses of power: what was not synced is lost, torn or reordered.

Every change of files is recorded, and each state of a disk that a loss of power may leave is made from the record. A
campaign does so for whole commands; with HARNESS_CALLS_STRIDE=n it tries only every n-th state.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.core.errors import HarnessError
from harness.staging.ledger import Ledger
from harness.staging.store import Store
from tests.figures import save_figures
from tests.integration.drivers import SHORTER, environment, figures_of, preloading
from tests.integration.nth_call.invariants import COMMANDS
from tests.integration.power_loss.crash_states import CrashState, crash_states
from tests.integration.power_loss.trace import Disk, read_calls
from tests.integration.power_loss.writer import REPORTS, stage

HERE = Path(__file__).parent / "power_loss"
STRIDE = int(os.environ.get("HARNESS_CALLS_STRIDE", "1"))


def examine(home: Path, state: CrashState) -> None:
    """Raise an error unless everything that was promised is there, and all else whole or not at all."""
    ledger = Ledger(home / "runs")
    store = Store(home / "runs" / "store", ledger)
    entries = store.entries() if "stage 1" in state.notes else []
    found = {f"stage {entry.address.step}" for entry in entries}
    for entry in entries:
        assert store.snapshot(entry) == stage(entry.address.step).snapshot
        assert store.metrics(entry) == stage(entry.address.step).metrics
    report = home / "reports" / "one" / "report.html"
    contents = [files["report.html"] for files in REPORTS]
    newest = contents.index(report.read_bytes()) if report.exists() else -1
    found |= {f"report {number}" for number in range(newest + 1)}
    assert set(state.notes) <= found


def test_a_loss_of_power_loses_no_stage_and_no_report_that_was_written(tmp_path: Path) -> None:
    home, trace, place = tmp_path / "home", tmp_path / "trace", tmp_path / "after"
    home.mkdir()
    before = Disk.read(home)
    command = [sys.executable, "-m", "tests.integration.power_loss.writer", str(home), str(trace)]
    subprocess.run(command, env=environment() | preloading(HERE / "recorder.c", tmp_path), cwd=tmp_path, check=True)
    calls = read_calls(trace)
    assert before.after(calls).tree() == Disk.read(home).tree()

    seen, wrong = set[object](), list[str]()
    for state in crash_states(calls):
        disk = before.after(state.calls)
        if (known := (disk.digest(), state.notes)) in seen:
            continue
        seen.add(known)
        disk.save(place)
        try:
            examine(place, state)
        except (AssertionError, HarnessError, OSError) as error:
            wrong.append(f"{state.what}: {error!r}")
        shutil.rmtree(place)

    assert wrong == []
    assert len(seen) > 500


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_every_state_that_a_loss_of_power_may_leave_is_gone_on_from(tmp_path: Path, command: str) -> None:
    driver, library = "power_loss.driver", "power_loss/recorder.c"

    (found,) = figures_of(driver, [(command, STRIDE)], tmp_path, library=library, changes=SHORTER)

    save_figures(f"power-{command}", {**found, "stride": STRIDE})
    assert found["violations"] == []
    assert found["tried"]
