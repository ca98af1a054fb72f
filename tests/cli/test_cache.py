import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Ended = subprocess.CompletedProcess[str]
Call = Callable[..., Ended]


@pytest.fixture
def home(first_run: tuple[Path, Ended], tmp_path: Path) -> str:
    """A copy of a home in which the study was run."""
    shutil.copytree(first_run[0] / "runs", tmp_path / "copy")
    return str(tmp_path / "copy")


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_stages_are_listed_with_their_sizes(call: Call, home: str) -> None:
    ended = call("cache", "list", "--home", home)

    assert ended.returncode == 0
    assert "stages, " in ended.stdout
    assert "kB of snapshots" in ended.stdout


def test_a_whole_store_is_verified(call: Call, home: str) -> None:
    ended = call("cache", "verify", "--home", home)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "records of runs are what was written" in ended.stdout


@pytest.mark.parametrize("file", ["state", "history", "ending"])
def test_a_flipped_byte_is_found_and_the_next_run_repairs_it(call: Call, home: str, file: str) -> None:
    flip_a_byte(sorted(Path(home).rglob(f"{file}.safetensors"))[0])

    first, second = call("cache", "verify", "--home", home), call("cache", "verify", "--home", home)

    assert first.returncode == 1
    assert "1 of " in first.stderr
    assert second.returncode == 0


def test_a_stage_whose_record_is_changed_is_trained_again(call: Call, home: str) -> None:
    with sqlite3.connect(Path(home) / "ledger.sqlite") as connection:
        connection.execute("UPDATE stages SET seconds = seconds + 1 WHERE step = 40 AND start > 0")

    first, second = call("cache", "verify", "--home", home), call("cache", "verify", "--home", home)

    assert (first.returncode, second.returncode) == (1, 0)
    assert "stages were damaged; the next run trains them again" in first.stderr


def test_what_is_given_up_is_said(call: Call, home: str) -> None:
    ended = call("cache", "evict", "--keep", "0", "--home", home)

    assert ended.returncode == 0
    assert "snapshots given up" in ended.stdout
    assert not list(Path(home).rglob("state.safetensors"))
    assert call("cache", "verify", "--home", home).returncode == 0
    assert "evicted" in call("cache", "list", "--home", home).stdout


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["list", "--home", "nowhere"], "found none at nowhere"),
        (["evict", "--keep", "much", "--home", "nowhere"], "found none at nowhere"),
        (["evict", "--keep", "much"], "expected a size like 500M or 20GB, found 'much'"),
    ],
)
def test_what_cannot_be_done_is_one_line(call: Call, home: str, arguments: list[str], reason: str) -> None:
    more = [] if "--home" in arguments else ["--home", home]

    ended = call("cache", *arguments, *more)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert reason in ended.stderr


def test_a_flipped_bit_of_a_trial_is_found(call: Call, home: str) -> None:
    with sqlite3.connect(Path(home) / "optuna.sqlite") as connection:
        connection.execute("UPDATE trial_params SET param_value = param_value + 10 WHERE param_id = 1")

    ended = call("cache", "verify", "--home", home)

    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "found damage in 1: tiny, trial 0; the next run makes them anew from the ledger" in ended.stderr


def test_a_flipped_bit_in_the_ledger_is_one_line(call: Call, home: str) -> None:
    with sqlite3.connect(Path(home) / "ledger.sqlite") as connection:
        connection.execute("UPDATE runs SET record = replace(record, '\"completed\"', '\"complfted\"') WHERE seed = 0")

    ended = call("cache", "verify", "--home", home)

    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "expected records as they were saved in the ledger" in ended.stderr
