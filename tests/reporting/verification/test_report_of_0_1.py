"""A report that harness 0.1 wrote, in `report_0_1.tar.xz`: all files lie there, and its manifest wants them all."""

import tarfile
from pathlib import Path

import pytest

from harness.core.errors import InputError
from harness.reporting.publication.published_files import is_published
from harness.reporting.render import render
from harness.reporting.verification.compare import compare_reports
from harness.reporting.verification.differences import has_numbers
from harness.reporting.verification.verify import verify

ARCHIVE = Path(__file__).with_name("report_0_1.tar.xz")


@pytest.fixture
def report(tmp_path: Path) -> Path:
    with tarfile.open(ARCHIVE) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(tmp_path)
    return tmp_path / "report_0_1"


def test_all_its_numbers_follow_from_its_data(report: Path) -> None:
    result = verify(report, tolerance=1e-9)

    assert [problem.path for problem in result.problems if has_numbers(problem.path)] == []
    assert result.left_out == 0


def test_its_words_and_pictures_are_of_another_version_so_that_it_is_no_pass(report: Path) -> None:
    result = verify(report, tolerance=1e-9)

    assert result.outcome == "CANNOT-RUN"
    assert {"report.html", "report.md", "figures/course_of_runs.svg"} <= {problem.path for problem in result.problems}


def test_its_pages_had_another_form_so_that_bytes_prove_nothing(report: Path) -> None:
    result = verify(report)

    assert result.outcome == "CANNOT-RUN"
    assert {"report.html", "report.md", "figures/course_of_runs.svg"} <= {problem.path for problem in result.problems}


@pytest.mark.parametrize("path", ["tables/primary.csv", "summary.json", "figures/course_of_runs.svg", "report.html"])
def test_a_file_that_is_gone_is_missed(report: Path, path: str) -> None:
    (report / path).unlink()

    result = verify(report, tolerance=1e-9)

    assert result.outcome == "FAIL"
    assert (0, path, "is missing") in {(problem.level, problem.path, problem.what) for problem in result.problems}


def test_a_changed_file_fails(report: Path) -> None:
    (report / "report.html").write_text((report / "report.html").read_text().replace("verdict", "Verdict", 1))

    assert verify(report, tolerance=1e-9).outcome == "FAIL"


def test_it_is_rendered_anew_elsewhere_and_not_over_itself(report: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in report.rglob("*") if path.is_file()}

    with pytest.raises(InputError, match="write them elsewhere with --out"):
        render(report)
    render(report, tmp_path / "anew")

    assert {path: path.read_bytes() for path in report.rglob("*") if path.is_file()} == before
    assert verify(tmp_path / "anew").outcome == "PASS-BITWISE"
    names = {path.relative_to(report).as_posix() for path in before}
    assert {name for name in names if (tmp_path / "anew" / name).is_file()} == names
    numbers = [name for name in names if name.endswith((".csv", ".parquet")) and not is_published(name)]
    assert len(numbers) > 10


def test_it_is_compared_with_one_of_now(report: Path, tmp_path: Path) -> None:
    render(report, tmp_path / "anew")

    result = compare_reports(report, tmp_path / "anew")

    assert (result.runs, result.equal_metrics) == (2, 2)
