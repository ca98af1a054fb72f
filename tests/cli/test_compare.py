import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.benchmarks.report import write_home
from harness.cli import compare as module
from harness.reporting.report import write_report
from harness.staging.workspace import Workspace

Ended = subprocess.CompletedProcess[str]
Call = Callable[..., Ended]


@pytest.fixture
def reports(first_run: tuple[Path, Ended], tmp_path: Path) -> list[str]:
    written = first_run[0] / "runs" / "reports" / "tiny"
    return [str(shutil.copytree(written, tmp_path / name)) for name in ("a", "b [bold]")]


def test_two_reports_stand_side_by_side(reports: list[str], call: Call) -> None:
    ended = call("compare", *reports)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.count("not enough data") == 2
    assert "Runs in both: 4; with the same results to the bit: 4; with the same history: 4." in ended.stdout
    assert "The studies are the same." in ended.stdout
    assert "The environments are the same." in ended.stdout


def test_what_is_no_report_is_wrong_input(reports: list[str], call: Call, tmp_path: Path) -> None:
    ended = call("compare", reports[0], str(tmp_path / "nowhere"))

    assert ended.returncode == 2
    assert "expected the folder of a report" in ended.stderr


def test_very_many_differences_are_cut_short() -> None:
    line = module._differences("The studies", tuple(f"field.{number} 1 and 2" for number in range(20)))

    assert line.endswith("; and 8 more.")


def test_a_change_is_said_with_its_interval(tmp_path: Path, call: Call) -> None:
    write_home(tmp_path / "home", configurations=5, points=20)
    report = str(write_report(Workspace(tmp_path / "home"), "large", tmp_path / "report").folder)

    ended = call("compare", report, report)

    said = "changed by 0.00 [0.00, 0.00] percentage points, over the 5 configurations that are in both."
    assert said in ended.stdout
