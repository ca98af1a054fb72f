from pathlib import Path

import pytest

from harness.core.errors import InputError
from harness.reporting.publication.report_folder import read_intact_report, read_report


def test_what_people_wrote_beside_a_report_is_none_of_its_files(tmp_path: Path) -> None:
    for name in ("study.json", "README.md"):
        (tmp_path / name).write_text("{}")

    assert read_report(tmp_path) == {"study.json": b"{}"}


@pytest.mark.parametrize("files", [(), ("notes.txt",), ("report.html",)])
def test_a_folder_that_holds_no_report_is_refused(tmp_path: Path, files: tuple[str, ...]) -> None:
    for name in files:
        (tmp_path / name).write_text("x")

    with pytest.raises(InputError, match="expected the folder of a report at"):
        read_report(tmp_path)


def test_a_report_that_is_not_as_it_was_written_is_refused_naming_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text("{}")

    with pytest.raises(InputError, match=r"found: manifest\.json is missing; see harness verify"):
        read_intact_report(tmp_path)
