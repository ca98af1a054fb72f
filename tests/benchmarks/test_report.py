from pathlib import Path

import pytest

from harness.benchmarks import report
from harness.benchmarks.report import ReportBenchmark, write_home
from harness.reporting.report import write_report
from harness.reporting.verification.verify import verify
from harness.staging.workspace import Workspace


def test_time_and_size_have_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "QUICK_RUNS", 20)
    monkeypatch.setattr(report, "QUICK_POINTS", 20)

    figures = ReportBenchmark().measure(quick=True)

    assert [(figure.target, figure.met) for figure in figures] == [("< 30", True), ("< 10", True), ("", None)]


def test_the_study_is_one_that_a_report_can_be_written_of_and_verified(tmp_path: Path) -> None:
    write_home(tmp_path / "home", configurations=5, points=20)

    written = write_report(Workspace(tmp_path / "home"), "large", tmp_path / "report")

    assert "5 configurations with 2 seeds each" in written.verdict
    assert verify(tmp_path / "report").outcome == "PASS-BITWISE"
