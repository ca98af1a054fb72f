import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import verify as module
from harness.reporting.verify import Problem, Verification

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

    assert "not compared, since another environment writes other bytes: report.html" in lines
