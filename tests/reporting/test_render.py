from pathlib import Path

import pytest

from harness.core.errors import InputError
from harness.reporting import render as module
from harness.reporting.publication.published_files import published_files
from harness.reporting.publication.publishing import publish
from harness.reporting.render import render
from harness.reporting.report import report_files
from harness.reporting.verification.verify import verify


def files_below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


pytestmark = pytest.mark.usefixtures("figures_undrawn")


@pytest.fixture
def whole(undrawn_files: dict[str, bytes]) -> dict[str, bytes]:
    """All files of a report."""
    return dict(undrawn_files)


@pytest.fixture
def report(whole: dict[str, bytes], tmp_path: Path) -> Path:
    """A published report."""
    publish(tmp_path / "report", published_files(whole))
    return tmp_path / "report"


def test_what_was_left_out_is_written_beside_what_lies_there(report: Path, whole: dict[str, bytes]) -> None:
    left_out = len(whole) - len(files_below(report))
    (report / "README.md").write_text("what we think of it")

    rendered = render(report)

    assert files_below(report) == {**whole, "README.md": b"what we think of it"}
    assert (rendered.folder, rendered.written) == (report, left_out)
    assert verify(report).outcome == "PASS-BITWISE"


def test_a_report_is_rendered_elsewhere_and_stays_as_it_was(
    report: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    rendered = render(report, tmp_path / "elsewhere")

    assert files_below(tmp_path / "elsewhere") == whole
    assert files_below(report) == published_files(whole)
    assert rendered.written == len(whole)


def test_a_whole_report_is_published_elsewhere_and_over_itself(whole: dict[str, bytes], tmp_path: Path) -> None:
    publish(tmp_path / "report", whole)
    (tmp_path / "report" / "README.md").write_text("what we think of it")

    for out in (tmp_path / "elsewhere", tmp_path / "report"):
        assert render(tmp_path / "report", out, published=True).written == len(published_files(whole))

    assert files_below(tmp_path / "elsewhere") == published_files(whole)
    assert files_below(tmp_path / "report") == {**published_files(whole), "README.md": b"what we think of it"}


def test_what_is_published_anew_needs_a_folder_to_go_to(report: Path) -> None:
    with pytest.raises(InputError, match="expected --out with --published"):
        render(report, published=True)


def test_a_report_that_is_whole_stays_as_it_is(whole: dict[str, bytes], tmp_path: Path) -> None:
    publish(tmp_path / "report", whole)

    assert render(tmp_path / "report").written == 0
    assert files_below(tmp_path / "report") == whole


@pytest.mark.parametrize("name", ["report.md", "study.json", "data/runs.parquet"])
def test_a_report_that_is_not_as_it_was_written_is_refused(report: Path, name: str) -> None:
    (report / name).write_bytes((report / name).read_bytes() + b" ")
    before = files_below(report)

    with pytest.raises(InputError, match=f"found: {name} is not the file that the manifest names"):
        render(report)

    assert files_below(report) == before


def test_files_that_the_manifest_does_not_name_are_not_laid_beside_it(
    report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drawn_otherwise(sources: dict[str, bytes]) -> dict[str, bytes]:
        return {**report_files(sources), "figures/pairs.png": b"other pixels"}

    monkeypatch.setattr(module, "report_files", drawn_otherwise)
    before = files_below(report)

    with pytest.raises(InputError, match=r"1 would have other bytes, figures/pairs\.png first; .*--out"):
        render(report)

    assert files_below(report) == before


def test_a_folder_that_is_no_report_is_not_written_over(report: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")

    with pytest.raises(InputError, match="expected a report, or nothing"):
        render(report, tmp_path / "mine")
