import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli import reproduce as module
from harness.core.errors import DataError
from harness.staging.histories import HISTORY_FILE, SNAPSHOT_FILE, stage_folder
from harness.staging.ledger import Ledger, RunRecord
from harness.staging.reproductions import Reproduction, reproductions

Ended = subprocess.CompletedProcess[str]
Call = Callable[..., Ended]


@pytest.fixture
def home(first_run: tuple[Path, Ended], tmp_path: Path) -> Path:
    """A copy of a home in which the study was run."""
    shutil.copytree(first_run[0] / "runs", tmp_path / "copy")
    return tmp_path / "copy"


def recorded(home: Path) -> list[Reproduction]:
    return reproductions(Ledger(home).database, "tiny")


def alter(path: Path) -> None:
    """Change the last bit but a few: of the last value of a history, or of the last weight."""
    content = bytearray(path.read_bytes())
    content[-1 if path.name == SNAPSHOT_FILE else -9] ^= 1
    path.write_bytes(content)


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
    (found,) = recorded(home)
    assert f"({found.run_id}): PASS" in ended.stdout
    assert found.difference == ""


def test_runs_of_a_study_are_drawn_from_every_arm_alike(home: Path) -> None:
    drawn = [module._chosen(Ledger(home), "tiny", 2) for _ in range(30)]

    assert {tuple(sorted(run.arm for run in runs)) for runs in drawn} == {("frozen", "unfrozen")}
    assert {run.key for runs in drawn for run in runs} == {run.key for run in Ledger(home).runs("tiny")}


def test_several_runs_of_a_study_are_reproduced_line_by_line(call: Call, home: Path) -> None:
    ended = call("reproduce", "tiny", "--runs", "2", "--home", str(home))

    assert (ended.returncode, ended.stderr) == (0, "")
    assert [": PASS: " in line for line in ended.stdout.splitlines()] == [True, True]
    assert len({found.run_id for found in recorded(home)}) == 2


def test_what_differs_is_said_line_by_line_and_the_others_are_still_trained(call: Call, home: Path) -> None:
    run = a_run(home)
    alter(stage_folder(home / "store", run.stages[-1]) / HISTORY_FILE)

    ended = call("reproduce", "tiny", "--runs", "9", "--home", str(home))

    lines = ended.stdout.splitlines()
    assert ended.returncode == 1
    assert sorted(line.split("): ")[1][:4] for line in lines) == ["FAIL", "PASS", "PASS", "PASS"]
    assert "1 of 4 runs differ from their record; the first: FAIL at step " in ended.stderr
    assert [(found.run_id, found.difference[:5]) for found in recorded(home) if found.difference] == [
        (run.run_id, "step ")
    ]


def test_the_next_report_says_which_runs_were_trained_again(call: Call, home: Path, tmp_path: Path) -> None:
    call("reproduce", named(home, "id"), "--home", str(home))

    call("report", "tiny", "--home", str(home), "--out", str(tmp_path / "report"))

    said = "\n".join(path.read_text() for path in (tmp_path / "report").glob("*.md"))
    assert "1 of 4 completed runs was trained again, alone and from step 0: equal to the bit, as the author " in said
    assert "The plan has had the same digest since the first run, over all 4 runs." in said
    assert call("verify", str(tmp_path / "report")).stdout.startswith("PASS-BITWISE")


@pytest.mark.parametrize(("altered", "differences"), [(True, []), (False, [""])])
def test_under_other_code_only_what_is_the_same_says_something_of_the_run(
    call: Call, home: Path, monkeypatch: pytest.MonkeyPatch, altered: bool, differences: list[str]
) -> None:
    run = a_run(home)
    monkeypatch.setattr("harness.staging.stage_key.code_version", lambda: "another")
    if altered:
        alter(stage_folder(home / "store", run.stages[-1]) / HISTORY_FILE)

    ended = call("reproduce", run.run_id, "--home", str(home))

    assert ("are not those that it was trained with" in ended.stderr) == altered
    assert ended.returncode == int(altered)
    assert [found.difference for found in recorded(home)] == differences


def test_what_cannot_be_trained_here_is_no_result(call: Call, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(*_: object) -> None:
        raise DataError("no such file")

    monkeypatch.setattr("harness.data.digits.Digits.load", unavailable)

    ended = call("reproduce", "tiny", "--home", str(home))

    assert ended.returncode != 0
    assert "no such file" in ended.stderr
    assert recorded(home) == []


def test_a_run_is_reproduced_in_a_process_of_its_own(process: Call, home: Path) -> None:
    ended = process("-m", "harness", "reproduce", "tiny", "--home", str(home))

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "PASS" in ended.stdout


@pytest.mark.parametrize(("stage", "steps"), [(0, range(21)), (1, range(41))])
def test_an_altered_history_fails_naming_step_and_component(call: Call, home: Path, stage: int, steps: range) -> None:
    run = a_run(home)
    alter(stage_folder(home / "store", run.stages[stage]) / HISTORY_FILE)

    ended = call("reproduce", run.run_id, "--home", str(home))

    assert ended.returncode == 1
    assert any(f"FAIL at step {step}, " in ended.stderr for step in steps)
    assert "recorded " in ended.stderr


def test_altered_weights_fail_naming_the_tensor(call: Call, home: Path) -> None:
    run = a_run(home)
    alter(stage_folder(home / "store", run.stages[-1]) / SNAPSHOT_FILE)

    ended = call("reproduce", run.run_id, "--home", str(home))

    assert ended.returncode == 1
    assert "FAIL at step 40: " in ended.stderr
    assert " differs" in ended.stderr


def test_a_history_that_cannot_be_read_fails(call: Call, home: Path) -> None:
    run = a_run(home)
    (stage_folder(home / "store", run.stages[0]) / HISTORY_FILE).write_bytes(b"nothing")

    ended = call("reproduce", run.run_id, "--home", str(home))

    assert ended.returncode == 1
    assert "FAIL: the recorded history cannot be read" in ended.stderr
    assert recorded(home) == []


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


@pytest.mark.parametrize("how", ["id", "place"])
def test_several_runs_are_those_of_a_study(call: Call, home: Path, how: str) -> None:
    ended = call("reproduce", named(home, how), "--runs", "2", "--home", str(home))

    assert (ended.returncode, ended.stdout) == (2, "")
    assert "expected a study with completed runs, to train 2 of them again" in ended.stderr


def test_an_empty_home_has_nothing_to_reproduce(call: Call) -> None:
    ended = call("reproduce", "tiny")

    assert ended.returncode == 2
    assert "no study was begun in runs" in ended.stderr


def test_a_run_of_classes_that_are_not_known_here_needs_their_file(call: Call, home: Path, tmp_path: Path) -> None:
    ledger = Ledger(home)
    run = a_run(home)
    ledger.save_run(replace(run, config={**run.config, "model": {"kind": "of_elsewhere", "width": 8}}))
    (study,) = ledger.studies()
    ledger.save_study(replace(study, file=""))
    name = f"tiny/{run.trial}/{run.arm}/{run.seed}"

    refused = call("reproduce", name, "--home", str(home))
    loaded = call("reproduce", name, "--home", str(home), "--study", str(tmp_path / "no.py"))

    assert (refused.returncode, loaded.returncode) == (2, 2)
    assert refused.stderr.count("\n") == 1
    assert "model: expected a kind among" in refused.stderr
    assert "name its file with --study" in refused.stderr
    assert "no such file" in loaded.stderr
