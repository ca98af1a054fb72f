import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Ended = subprocess.CompletedProcess[str]
Call = Callable[..., Ended]


@pytest.fixture
def report(first_run: tuple[Path, Ended], tmp_path: Path, call: Call) -> Path:
    """A published report."""
    call("report", "tiny", "--home", str(first_run[0] / "runs"), "--out", str(tmp_path / "report"))
    return tmp_path / "report"


def test_all_figures_and_tables_are_written_and_the_report_still_passes(report: Path, call: Call) -> None:
    published = len(list(report.rglob("*.*")))

    ended = call("render", str(report))

    assert (ended.returncode, ended.stderr) == (0, "")
    lying = [path for path in report.rglob("*") if path.is_file()]
    assert ended.stdout.splitlines() == [
        f"Files written: {len(lying) - published}",
        f"Report:        {report / 'report.html'}",
    ]
    assert {".png", ".svg", ".csv"} == {path.suffix for path in (report / "figures").iterdir()}
    verified = call("verify", str(report))
    assert verified.stdout.splitlines()[0] == (
        f"PASS-BITWISE: all {len(lying)} files are those of the manifest and follow from the data, byte for byte"
    )


def test_a_published_report_passes_saying_what_does_not_lie_there(report: Path, call: Call) -> None:
    ended = call("verify", str(report))

    assert ended.returncode == 0
    assert ended.stdout.splitlines()[0].endswith(" of them do not lie here and were computed")


def test_runs_of_a_published_report_are_trained_again_and_two_are_compared(
    report: Path, call: Call, tmp_path: Path
) -> None:
    call("render", str(report), "--out", str(tmp_path / "whole"))

    again, compared = call("verify", str(report), "--rerun", "1"), call("compare", str(report), str(tmp_path / "whole"))

    assert again.stdout.splitlines()[-1] == "PASS-BITWISE: 1 of 1 run"
    assert compared.returncode == 0
    assert "The environments are the same." in compared.stdout


@pytest.mark.parametrize("spoil", [shutil.rmtree, lambda report: (report / "report.md").write_text("x")])
def test_what_is_no_report_is_one_line_and_exit_code_2(
    report: Path, call: Call, spoil: Callable[[Path], object]
) -> None:
    spoil(report)

    ended = call("render", str(report))

    assert (ended.returncode, ended.stdout) == (2, "")
    assert len(ended.stderr.splitlines()) == 1
    assert "expected" in ended.stderr


def test_what_a_paper_takes_is_written_elsewhere(first_run: tuple[Path, Ended], call: Call, workplace: Path) -> None:
    ended = call("render", str(first_run[0] / "runs" / "reports" / "tiny"), "--paper", "paper")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.endswith("methods.md among them, into paper\n")
    assert (workplace / "paper" / "methods.tex").is_file()
