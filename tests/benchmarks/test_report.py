from pathlib import Path

import pytest

from harness.benchmarks import report
from harness.benchmarks.report import ReportBenchmark, write_home
from harness.reporting.report import write_report
from harness.reporting.verification.verify import verify
from harness.staging.workspace import Workspace

pytestmark = pytest.mark.usefixtures("figures_undrawn")


def test_time_and_size_have_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        report, "command_cpu_s", lambda *arguments, **_: {"--help": 0.15, "list": 0.31}.get(arguments[0], 9.9)
    )
    monkeypatch.setattr(report, "USUAL", {"configurations": 2, "seeds": 1, "points": 4})
    monkeypatch.setattr(report, "LARGE", {"configurations": 5, "seeds": 2, "points": 20})

    figures = ReportBenchmark().measure(quick=False)

    asked = [("<= 0.2", True), ("<= 0.3", False), ("<= 10", True)]
    large = [("< 30", True), ("< 10", True), ("", None)]
    assert [(figure.target, figure.met) for figure in figures] == [*asked, *large]
    assert "report of 4 runs" in figures[2].figure


def test_the_study_is_one_that_a_report_can_be_written_of_and_verified(tmp_path: Path) -> None:
    write_home(tmp_path / "home", configurations=5, points=20)

    written = write_report(Workspace(tmp_path / "home"), "large", tmp_path / "report")

    assert "5 configurations with 2 seeds each" in written.verdict
    assert verify(tmp_path / "report").outcome == "PASS-BITWISE"
