import json
import math
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli import retrain
from harness.cli import verify as module
from harness.core.errors import DataError
from harness.reporting.data.curve_frame import curve_digests
from harness.reporting.publication.publishing import publish
from harness.reporting.publication.source_files import ENVIRONMENT, SOURCES, read_data, written_data
from harness.reporting.report import report_files
from harness.reporting.verification.verify import Problem, Verification
from harness.staging.retrain import RetrainedRun
from tests.cli.conftest import UNDRAWN

Ended = subprocess.CompletedProcess[str]
Call = Callable[..., Ended]


@pytest.fixture
def report(first_run: tuple[Path, Ended], tmp_path: Path) -> Path:
    return Path(shutil.copytree(first_run[0] / "runs" / "reports" / "tiny", tmp_path / "report"))


def test_the_report_of_a_run_passes(report: Path, call: Call) -> None:
    ended = call("verify", str(report))

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("PASS-BITWISE: all ")


def test_a_changed_report_fails_naming_the_file(report: Path, call: Call) -> None:
    (report / "report.md").write_text("everything is fine\n")

    ended = call("verify", str(report))

    assert ended.returncode == 1
    assert "level 0: report.md: is not the file that the manifest names" in ended.stdout
    assert "level 1: report.md: line 1: found 'everything is fine'" in ended.stdout
    assert ended.stdout.splitlines()[-1].startswith("FAIL: ")


def test_a_folder_that_is_no_report_is_wrong_input(call: Call, tmp_path: Path) -> None:
    ended = call("verify", str(tmp_path))

    assert ended.returncode == 2
    assert "expected the folder of a report" in ended.stderr


def test_what_cannot_be_told_here_says_what_differs_and_what_to_do() -> None:
    problems = tuple(Problem(1, f"figures/{number}.png", "differs") for number in range(25))

    lines = module._lines(Verification("CANNOT-RUN", 30, problems, ("numpy 2.0 and 2.1",)))

    assert "and 5 more" in lines
    assert "this environment differs from the report's: numpy 2.0 and 2.1" in lines
    assert any("--tolerance 1e-9" in line for line in lines)


def test_what_was_not_compared_is_said() -> None:
    lines = module._lines(Verification("PASS-TOLERANCE", 3, (), ("numpy 2.0 and 2.1",), ("report.html",)))

    assert "not compared byte by byte, which another environment writes: report.html" in lines


def test_runs_are_trained_again_and_are_the_same_to_the_bit(report: Path, process: Call) -> None:
    # In a process of its own: this one may have loaded torch before instruction sets could be pinned.
    ended = process(UNDRAWN, "verify", str(report), "--rerun", "2", "--nonce", "a")

    assert (ended.returncode, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    same = "every metric, the history and the final weights are the same to the bit"
    assert lines[1].startswith("registration: not registered")
    assert lines[2].startswith("code that is executed: ")
    assert lines[3].startswith("the plan: all ")
    assert lines[4] == "2 runs are trained again, chosen by --nonce a"
    assert [line.split(": ")[2] for line in lines[5:7]] == [same] * 2
    assert {line.split(" · ")[1] for line in lines[5:7]} == {"frozen", "unfrozen"}
    assert lines[-1] == "PASS-BITWISE: 2 of 2 runs"


def test_a_run_that_the_report_does_not_have_is_refused_with_an_example(report: Path, call: Call) -> None:
    ended = call("verify", str(report), "--run", "0/forzen/0")

    assert ended.returncode == 2
    assert re.search(
        r"such as 0/\w+/0 or [0-9a-f]{16}; found 0 that '0/forzen/0' could mean\. Did you mean '0/frozen/0'\?$",
        ended.stderr.strip(),
    )


def forged(report: Path, column: str, change: Callable[[object], object]) -> None:
    """Change `column` of all curves and write everything anew, as a forger would."""
    files = {name: (report / name).read_bytes() for name in (*SOURCES,)}
    data = read_data(files)
    curves = data.curves.assign(**{column: data.curves[column].map(change)})
    digests = curve_digests(curves)
    runs = data.runs.assign(curves_sha256=[digests[run] for run in data.runs["run_id"]])
    sources = written_data(replace(data, curves=curves, runs=runs), json.loads(files[ENVIRONMENT]))
    shutil.rmtree(report)
    publish(report, report_files(sources))


def test_forged_data_pass_everything_but_training_again(report: Path, call: Call) -> None:
    forged(report, "value", lambda value: math.nextafter(float(str(value)), 2))

    without, ended = call("verify", str(report)), call("verify", str(report), "--rerun", "1")
    # Near, and not nearer: this process may have loaded torch before instruction sets could be pinned.
    near = call("verify", str(report), "--rerun", "1", "--tolerance", "1e-5")

    assert without.returncode == 0
    assert ended.returncode == 1
    assert re.search(r"step \d+, \S+: recorded \S+, found", ended.stdout)
    assert ended.stdout.splitlines()[-1] == "FAIL: 1 of 1 run"
    assert (near.returncode, near.stdout.splitlines()[-1]) == (0, "PASS-TOLERANCE: 1 of 1 run")


def test_a_run_that_cannot_be_trained_here_says_why(report: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> RetrainedRun:
        raise DataError("no digits here")

    monkeypatch.setattr(retrain, "retrain", fail)

    ended = call("verify", str(report), "--rerun", "1")

    assert ended.returncode == 3
    assert "no digits here" in ended.stdout
    assert ended.stdout.splitlines()[-1] == "CANNOT-RUN: 1 of 1 run"


def test_a_run_that_a_reader_doubts_is_trained_again(report: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> RetrainedRun:
        raise DataError("no digits here")

    monkeypatch.setattr(retrain, "retrain", fail)

    ended = call("verify", str(report), "--rerun", "1", "--nonce", "a", "--run", "1/unfrozen/1000")

    assert "2 runs are trained again, 1 as named and 1 chosen by --nonce a" in ended.stdout.splitlines()
    assert "level 2: trial 1 · unfrozen · seed 1000 (" in ended.stdout


def test_failed_checks_and_runs_are_said() -> None:
    lines = module._lines(Verification("PASS-BITWISE", 3, failed_checks=("the check 'same start' fails: Apart.",)))

    assert lines[0] == "so says the report of itself: the check 'same start' fails: Apart."
