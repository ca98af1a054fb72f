from pathlib import Path

import pytest

from harness.core.errors import InputError
from harness.reporting.publication.publishing import publish

FILES = {"report.html": b"new", "summary.json": b"{}", "figures/a.png": b"png"}


def test_the_files_are_written_and_nothing_is_left_beside_them(tmp_path: Path) -> None:
    publish(tmp_path / "reports" / "one", FILES)

    assert (tmp_path / "reports" / "one" / "figures" / "a.png").read_bytes() == b"png"
    assert [path.name for path in (tmp_path / "reports").iterdir()] == ["one"]


def test_a_report_is_replaced_but_for_its_readme(tmp_path: Path) -> None:
    out = tmp_path / "one"
    publish(out, {**FILES, "figures/old.png": b"old"})
    (out / "README.md").write_text("what we think of it")

    publish(out, FILES)

    assert (out / "README.md").read_text() == "what we think of it"
    assert not (out / "figures" / "old.png").exists()


def test_a_folder_with_only_a_readme_may_become_a_report(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("planned")

    publish(tmp_path, FILES)

    assert {path.name for path in tmp_path.iterdir()} == {"README.md", "report.html", "summary.json", "figures"}


def test_what_is_no_report_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")

    with pytest.raises(InputError, match=r"expected a report, or nothing, at .*; found thesis\.tex; choose another"):
        publish(tmp_path, FILES)

    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_when_writing_fails_the_report_that_was_there_stays(tmp_path: Path) -> None:
    out = tmp_path / "one"
    publish(out, FILES)

    with pytest.raises(InputError, match="cannot write the report"):
        publish(out, {"report.html": b"newer", "report.html/impossible": b""})

    assert (out / "report.html").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
