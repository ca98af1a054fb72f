"""The reports under `reports/`: small enough to be cloned, as they were written, and following from their data."""

import json
import re
from pathlib import Path

import pytest

from harness.cli.retrain import study_file
from harness.cli.verify_plan import verify_plan
from harness.reporting.publication.manifest import MANIFEST, check_files
from harness.reporting.publication.published_files import is_published
from harness.reporting.publication.report_folder import read_report
from harness.reporting.verification.verify import verify

ROOT = Path(__file__).parents[2]
REPORTS = sorted(path.parent for path in (ROOT / "reports").glob(f"*/{MANIFEST}"))
MOST_BYTES, MOST_BYTES_OF_A_PAGE = 1_500_000, 800_000  # the first of a report on average, pages around them included
MOST_WORDS, WORDS_BEFORE_THE_PLOT = 2_500, 400


def test_all_reports_together_are_quickly_cloned() -> None:
    sizes = [path.stat().st_size for path in (ROOT / "reports").rglob("*") if path.is_file()]

    assert len(REPORTS) >= 13
    assert sum(sizes) <= MOST_BYTES * len(REPORTS)


def test_every_page_is_quickly_loaded() -> None:
    large = {report.name: (report / "report.html").stat().st_size for report in REPORTS}

    assert {name: size for name, size in large.items() if size > MOST_BYTES_OF_A_PAGE} == {}


def test_every_report_holds_what_is_published_and_as_it_was_written() -> None:
    for report in REPORTS:
        files = read_report(report)

        assert check_files(files) == [], report.name
        assert [path for path in files if not is_published(path)] == [], report.name


def test_the_text_of_a_report_is_short_and_begins_with_the_answer() -> None:
    for report in REPORTS:
        text = (report / "report.md").read_text()
        before, plot, _ = text.partition("(figures/paired_differences.png)")

        assert len(text.split()) <= MOST_WORDS, report.name
        assert plot, report.name
        assert len(before.split()) < WORDS_BEFORE_THE_PLOT, report.name
        assert "(`tables/standing.csv`)" in before, report.name


def test_what_links_to_a_report_or_stands_in_one_leads_to_a_file() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("reports/**/*.md"), *ROOT.glob("studies/**/*.md")]
    broken = [
        (str(page.relative_to(ROOT)), link)
        for page in pages
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
        if not (page.parent / link).exists()
    ]

    assert broken == []


def test_every_report_is_listed() -> None:
    listed = re.findall(
        r"^\| \[([\w-]+)\]\(\1/report\.md\) \|", (ROOT / "reports" / "README.md").read_text(), re.MULTILINE
    )

    assert sorted(listed) == [report.name for report in REPORTS]


def test_the_manifest_names_more_than_lies_there() -> None:
    for report in REPORTS:
        named = {entry["path"] for entry in json.loads((report / MANIFEST).read_text())["files"]}
        assert len(named) > 4 * len(read_report(report)), report.name


@pytest.mark.campaign
@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.name)
def test_every_report_follows_from_its_data_byte_for_byte(report: Path) -> None:
    result = verify(report)

    assert (result.outcome, result.problems) == ("PASS-BITWISE", ())


@pytest.mark.campaign
@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.name)
def test_every_report_has_the_runs_that_its_study_plans(
    report: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)

    assert verify_plan(report, study_file(report, report.name), ()) is None
    assert capsys.readouterr().out.startswith("the plan: all ")
