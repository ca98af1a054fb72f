import errno
import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer.main

from harness.cli.main import app
from harness.core.errors import HarnessError
from harness.staging.ledger import Ledger

Call = Callable[..., subprocess.CompletedProcess[str]]

# What users have in their scripts and notes: nothing is renamed or removed here without a line in the changelog.
COMMANDS = {
    "run": [
        "study",
        "--trials",
        "--seeds",
        "--workers",
        "--timeout",
        "--launcher",
        "--address",
        "--cpus-per-worker",
        "--gpus-per-worker",
        "--share",
        "--cache-features",
        "--packing",
        "--device",
        "--precision",
        "--set",
        "--as",
        "--home",
        "--store",
        "--storage",
        "--portable",
        "--keep",
        "--tracker",
        "--tracking-uri",
        "--tracking",
        "--tracking-points",
        "--retry-failed",
        "--changed-code",
        "--dry-run",
        "--system-metrics",
    ],
    "new": ["name", "--from", "--own-model", "--own-data", "--label"],
    "examples": [],
    "doctor": ["--home", "--store", "--storage", "--tracking-uri"],
    "worker": ["study", "--home", "--store", "--storage", "--portable", "--timeout"],
    "list": ["--home", "--storage"],
    "show": ["study", "--home", "--storage"],
    "best": ["study", "--export", "--trial", "--arm", "--home", "--storage"],
    "report": ["study", "--out", "--home", "--storage"],
    "verify": [
        *["report", "--tolerance", "--rerun", "--run", "--nonce", "--study", "--registration", "--ca"],
        "--portable",
    ],
    "compare": ["report", "other"],
    "render": ["report", "--out", "--published", "--paper"],
    "power": ["study", "--effect", "--layout", "--power", "--home", "--storage"],
    "ui": ["study", "--tracker", "--optuna", "--port", "--host", "--limit", "--home", "--storage"],
    "sync": ["study", "--tracker", "--tracking-uri", "--tracking-points", "--home", "--storage"],
    "signal": ["study", "name", "--run", "--home", "--storage"],
    "register": [
        *["study", "--trials", "--seeds", "--device", "--precision", "--set", "--as", "--out", "--points", "--home"],
        "--storage",
    ],
    "plan": [
        *["study", "--trials", "--seeds", "--share", "--every", "--device", "--precision", "--set", "--as", "--home"],
        *["--store", "--storage", "--portable"],
    ],
    "reproduce": ["run", "--runs", "--home", "--storage", "--portable", "--study"],
    "export": ["run", "folder", "--to", "--home", "--store", "--storage"],
    "cache": ["list", "verify", "evict"],
    "bench": ["name", "--quick", "--json", "--save"],
}
HEAVY = {"asyncio", "matplotlib", "mlflow", "numpy", "optuna", "pandas", "pyarrow", "ray", "rich", "scipy"}
HEAVY |= {"sqlalchemy", "torch"}
# Modules that are loaded, Python's own among them. Typer loads pydantic to read a command's options.
FEW, WITH_PYDANTIC = 240, 370
UNDRAWN = """
from tests.undrawn import undraw
undraw()
"""
LOADED = """
import sys
from harness.cli.main import main
sys.argv[0] = "harness"
try:
    main()
finally:
    print("LOADED", len(sys.modules), *sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_commands_and_options_are_those_that_users_know() -> None:
    command = typer.main.get_command(app)
    assert isinstance(command, typer.core.TyperGroup)

    found = {
        name: list(sub.commands) if isinstance(sub, typer.core.TyperGroup) else [o for p in sub.params for o in p.opts]
        for name, sub in command.commands.items()
    }

    assert found == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_and_its_options(call: Call, command: str) -> None:
    ended = call(command, "--help")

    assert ended.returncode == 0
    assert all(option in ended.stdout for option in COMMANDS[command])


@pytest.mark.parametrize(
    ("arguments", "most"),
    [(["--help"], FEW), (["run", "--help"], WITH_PYDANTIC), (["list"], WITH_PYDANTIC)],
)
def test_nothing_heavy_is_loaded_to_answer_at_once(
    process: Call, workplace: Path, arguments: list[str], most: int
) -> None:
    Ledger(workplace / "runs").create()

    ended = process("-c", LOADED, *arguments)

    number, *loaded = ended.stdout.rpartition("LOADED")[2].split()
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "harness" in loaded
    assert not set(loaded) & HEAVY
    assert ("pydantic" in loaded) == (most == WITH_PYDANTIC)
    assert int(number) <= most


def test_a_report_is_written_without_loading_torch(
    first_run: tuple[Path, object], process: Call, tmp_path: Path
) -> None:
    home = first_run[0] / "runs"

    ended = process("-c", UNDRAWN + LOADED, "report", "tiny", "--home", str(home), "--out", str(tmp_path / "report"))

    loaded = set(ended.stdout.rpartition("LOADED")[2].split())
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "pandas" in loaded
    assert not loaded & {"mlflow", "optuna", "torch"}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["run", "nope"], "no study 'nope'. There are: tiny"),
        (["run", "tiney"], "Did you mean 'tiny'"),
        (["run", "studies"], "no study 'studies'"),
        (["run", "tiny", "--set", "training.batchsize=3"], "Did you mean 'batch_size'"),
        (
            ["run", "tiny", "--set", "training.batch_size=many"],
            "training.batch_size: expected a whole number",
        ),
        (["run", "tiny", "--set", "training.batch_size=0"], "training.batch_size: expected a number above 0, found 0"),
        (["run", "tiny", "--set", "training.batch_size"], "expected PATH=VALUE, found 'training.batch_size'"),
        (["run", "tiny", "--set", "=3"], "expected PATH=VALUE, found '=3'"),
        (["run", "tiny", "--set", "training.optimizer=adamw2"], "expected a kind among"),
        (["run", "tiny", "--set", "growths.1.loss_weight=2"], "expected an index below 1, found '1'"),
        (["run", "tiny", "--set", "steps=25"], "before the end at 25"),
        (["run", "tiny", "--as", "Not A Name"], "name"),
        (["run", "tiny", "--home", "studies/tiny/study.py/home"], "choose another with --home"),
        (["run", "studies/README.md"], "studies/README.md"),
        (["report", "tiny"], "no study 'tiny' was begun in runs"),
        (["report", "tiny", "--home", "studies"], "no study 'tiny' was begun in studies"),
    ],
)
def test_wrong_input_ends_with_2_and_one_line_and_leaves_nothing(
    call: Call, workplace: Path, arguments: list[str], reason: str
) -> None:
    (workplace / "studies" / "README.md").touch()
    before = sorted(workplace.rglob("*"))

    ended = call(*arguments)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("harness: ")
    assert ended.stderr.count("\n") == 1
    assert reason in ended.stderr
    assert sorted(workplace.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["run", "tiny", "--trials", "0"], "'--trials'"),
        (["run", "tiny", "--seeds", "-1"], "'--seeds'"),
        (["run", "tiny", "--trials", "many"], "'--trials'"),
        (["run", "tiny", "--device", "tpu"], "'--device'"),
        (["run", "tiny", "--precision", "int8"], "'--precision'"),
        (["run", "tiny", "--trails", "3"], "--trails"),
        (["run"], "study"),
        (["rum"], "rum"),
    ],
)
def test_wrong_usage_ends_with_2_and_the_reason_last_and_leaves_nothing(
    call: Call, workplace: Path, arguments: list[str], named: str
) -> None:
    before = sorted(workplace.rglob("*"))

    ended = call(*arguments)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert named in ended.stderr.splitlines()[-1]
    assert sorted(workplace.rglob("*")) == before


def test_the_shell_completes_commands_and_names_of_studies(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_HARNESS_COMPLETE", "complete_bash")
    completed = []
    for words, position in [("harness ex", 1), ("harness run ti", 2), ("harness run digits-l", 2)]:
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(position))
        completed.append(call().stdout.split())

    assert completed == [["examples", "export"], ["tiny"], ["digits-late-classes"]]


def test_there_is_no_traceback_in_a_process_of_its_own_either(process: Call) -> None:
    ended = process("-m", "harness", "run", "tiny", "--home", "studies/tiny/study.py")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Traceback" not in ended.stderr


def raising(error: BaseException) -> Callable[[str], Path]:
    def find(name: str) -> Path:
        del name
        raise error

    return find


def test_the_help_says_how_to_begin_in_lines_that_fit(call: Call) -> None:
    ended = call("--help")

    assert ended.returncode == 0
    begin = ended.stdout.partition("Options:\n")[0].splitlines()
    assert "  To begin:     harness examples, then harness run digits-late-classes" in begin
    named = {word for line in begin for word in re.findall(r"harness ([a-z]+)", line)}
    assert named <= {"for", *COMMANDS}
    assert max(map(len, begin)) <= 80


def test_what_went_wrong_otherwise_ends_with_1(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.search.find.find_study", raising(HarnessError("it broke")))

    ended = call("run", "tiny")

    assert (ended.returncode, ended.stderr) == (1, "harness: it broke\n")


def test_what_the_system_refuses_is_one_line_and_ends_with_2(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "runs/live")

    monkeypatch.setattr("harness.search.find.study_folders", full)

    ended = call("run", "no-such-study")

    assert ended.returncode == 2
    assert ended.stderr == (
        "harness: [Errno 28] No space left on device: 'runs/live'; once that is mended, the same command goes on from "
        "what is stored\n"
    )


def test_memory_that_is_used_up_is_one_line(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.search.find.find_study", raising(MemoryError()))

    ended = call("run", "tiny")

    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "memory is used up" in ended.stderr


def test_on_a_terminal_that_knows_ascii_alone_other_characters_are_no_error(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, io.TextIOWrapper(io.BytesIO(), encoding="ascii") as terminal:
        patch.setattr(sys, "stdout", terminal)

        call("list")

        terminal.write("trial 0 \N{MIDDLE DOT} frozen")


def test_an_interrupted_command_ends_with_130(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.search.find.find_study", raising(KeyboardInterrupt()))

    assert call("run", "tiny").returncode == 130


def test_an_interrupted_command_says_how_to_go_on(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.search.find.find_study", raising(KeyboardInterrupt()))

    assert "the same command continues" in call("run", "tiny").stderr
