import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.staging.histories import FILES, stage_folder
from harness.staging.ledger import Ledger, RunRecord

Ended = subprocess.CompletedProcess[str]
Call = Callable[..., Ended]


@pytest.fixture
def home(first_run: tuple[Path, Ended], tmp_path: Path) -> Path:
    """A copy of a home in which the study was run."""
    shutil.copytree(first_run[0] / "runs", tmp_path / "copy")
    return tmp_path / "copy"


def a_run(home: Path) -> RunRecord:
    return Ledger(home).runs("tiny")[1]


def named(home: Path, how: str) -> str:
    run = a_run(home)
    return {
        "study": "tiny",
        "id": run.run_id,
        "beginning": run.run_id[:10],
        "place": f"tiny/{run.trial}/{run.arm}/{run.seed}",
    }[how]


@pytest.mark.parametrize("how", ["study", "id", "beginning", "place"])
def test_a_run_is_reproduced_to_the_bit(call: Call, home: Path, how: str) -> None:
    ended = call("reproduce", named(home, how), "--home", str(home))

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "PASS: history and final weights are the same to the bit" in ended.stdout


def test_a_run_is_reproduced_in_a_process_of_its_own(process: Call, home: Path) -> None:
    ended = process("-m", "harness", "reproduce", "tiny", "--home", str(home))

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "PASS" in ended.stdout


@pytest.mark.parametrize(("stage", "steps"), [(0, range(21)), (1, range(41))])
def test_an_altered_history_fails_naming_step_and_component(call: Call, home: Path, stage: int, steps: range) -> None:
    run = a_run(home)
    path = stage_folder(home / "store", run.stages[stage]) / FILES[1]
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)

    ended = call("reproduce", run.run_id, "--home", str(home))

    assert ended.returncode == 1
    assert any(f"FAIL at step {step}, " in ended.stderr for step in steps)
    assert "recorded " in ended.stderr


def test_altered_weights_fail_naming_the_tensor(call: Call, home: Path) -> None:
    run = a_run(home)
    path = stage_folder(home / "store", run.stages[-1]) / FILES[0]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    ended = call("reproduce", run.run_id, "--home", str(home))

    assert ended.returncode == 1
    assert "FAIL at step 40: " in ended.stderr
    assert " differs" in ended.stderr


def test_a_history_that_cannot_be_read_fails(call: Call, home: Path) -> None:
    run = a_run(home)
    (stage_folder(home / "store", run.stages[0]) / FILES[1]).write_bytes(b"nothing")

    ended = call("reproduce", run.run_id, "--home", str(home))

    assert ended.returncode == 1
    assert "FAIL: the recorded history cannot be read" in ended.stderr


def test_weights_that_were_given_up_cannot_be_compared(call: Call, home: Path) -> None:
    call("cache", "evict", "--keep", "0", "--home", str(home))

    ended = call("reproduce", "tiny", "--home", str(home))

    assert ended.returncode == 0
    assert "PASS: the history is the same to the bit" in ended.stdout


@pytest.mark.parametrize("wanted", ["nope", "", "tiny/9/frozen/0"])
def test_what_names_no_run_is_refused_with_an_example(call: Call, home: Path, wanted: str) -> None:
    ended = call("reproduce", wanted, "--home", str(home))

    assert (ended.returncode, ended.stdout) == (2, "")
    assert "such as " in ended.stderr


def test_an_empty_home_has_nothing_to_reproduce(call: Call) -> None:
    ended = call("reproduce", "tiny")

    assert ended.returncode == 2
    assert "expected a completed run; found 0" in ended.stderr
