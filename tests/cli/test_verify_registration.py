import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.cli import verify_registration as module
from harness.cli.verify_registration import verify_registration
from harness.core.errors import InputError
from harness.reporting.data.ledger_account import LedgerAccount
from harness.reporting.publication.source_files import SOURCES, read_data, written_data
from harness.staging.registration import Registration, registration_bytes

ROOT = Path(__file__).parents[2]
STAMPS = ROOT / "tests" / "reporting" / "verification" / "time_stamp"
PUBLISHED = ROOT / "reports" / "second-target"
Captured = pytest.CaptureFixture[str]


def content() -> dict[str, Any]:
    study = read_data({name: (PUBLISHED / name).read_bytes() for name in SOURCES}).study
    return {"spec": dict(study.spec), "trials": study.trials, "seeds": study.seeds}


def report(folder: Path, registered: Mapping[str, Any] | None, first_launch: float = 60.0) -> Path:
    """Write the data of a published report, with a ledger's account."""
    registration = Registration(registered, 0.0, first_launch) if registered else None
    return with_account(folder, LedgerAccount("root", registration=registration))


def with_account(folder: Path, account: LedgerAccount | None) -> Path:
    data = read_data({name: (PUBLISHED / name).read_bytes() for name in SOURCES})
    for name, written in written_data(replace(data, ledger=account), {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(written)
    return folder


def published(folder: Path, registered: Mapping[str, Any]) -> Path:
    path = folder / "registration.json"
    path.write_bytes(registration_bytes(registered))
    return path


@pytest.fixture
def stamped(tmp_path: Path) -> Path:
    """A file that an authority stamped, beside its stamp."""
    for name in ("stamped.json", "stamped.json.tsr"):
        shutil.copy(STAMPS / name, tmp_path / name)
    return tmp_path / "stamped.json"


def test_a_report_that_is_older_than_registrations_says_so(tmp_path: Path, capsys: Captured) -> None:
    assert verify_registration(with_account(tmp_path, None), None, None) is None
    assert "not recorded" in capsys.readouterr().out


def test_a_study_that_was_not_registered_is_said_to_be_none(tmp_path: Path, capsys: Captured) -> None:
    assert verify_registration(report(tmp_path, None), None, None) is None
    assert capsys.readouterr().out.startswith("registration: not registered")


def test_a_registration_that_the_report_alone_has_is_worth_no_more(tmp_path: Path, capsys: Captured) -> None:
    assert verify_registration(report(tmp_path, content()), None, None) is None

    said = capsys.readouterr().out
    assert "Registered before the first run: 1970-01-01 00:00:00 UTC" in said
    assert "so says the report alone" in said


def test_the_published_file_is_the_one_of_the_report(tmp_path: Path, capsys: Captured) -> None:
    file = published(tmp_path, content())

    assert verify_registration(report(tmp_path / "report", content()), file, None) is None
    said = capsys.readouterr().out
    assert f"registration: the report has the one in {file}" in said
    assert "time stamp: none at " in said


def test_a_registration_that_was_repeated_in_another_home_is_the_published_one(
    tmp_path: Path, capsys: Captured
) -> None:
    file = published(tmp_path, {**content(), "commit": "earlier", "python": "3.12.1"})

    assert verify_registration(report(tmp_path / "report", {**content(), "commit": "later"}), file, None) is None
    assert f"registration: the report's repeats the one in {file}" in capsys.readouterr().out


def test_another_file_than_the_reports_fails(tmp_path: Path, capsys: Captured) -> None:
    file = published(tmp_path, {**content(), "trials": 99})

    assert verify_registration(report(tmp_path / "report", content()), file, None) == "FAIL"
    assert "the file is not the registration that the report has" in capsys.readouterr().out


@pytest.mark.parametrize("changes", [{"metric": "rmse/heating"}, {"smallest_effect": 0.5}])
def test_what_was_changed_is_named_even_if_the_report_hides_its_registration(
    tmp_path: Path, capsys: Captured, changes: dict[str, Any]
) -> None:
    file = published(tmp_path, {**content(), "spec": {**content()["spec"], **changes}})

    assert verify_registration(report(tmp_path / "report", None), file, None) == "FAIL"
    (name, value), said = next(iter(changes.items())), capsys.readouterr().out
    assert f"the study is not the one that was registered: {name} was registered as {value!r}" in said
    assert said.splitlines()[-1].startswith("FAIL: ")


def test_a_file_that_is_no_registration_fails(tmp_path: Path, stamped: Path, capsys: Captured) -> None:
    assert verify_registration(report(tmp_path / "report", None), stamped, None) == "FAIL"
    assert "the registration cannot be read" in capsys.readouterr().out


def test_a_file_that_is_not_there_is_wrong_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a registration or time stamp at"):
        verify_registration(PUBLISHED, tmp_path / "nowhere.json", None)


def stamp_problems(file: Path, first_launch: float | None = None, authorities: Path | None = None) -> list[str]:
    return module._stamp_problems(file, file.read_bytes(), first_launch, authorities)


def test_a_time_stamp_says_when_and_what_was_not_checked(stamped: Path, capsys: Captured) -> None:
    assert stamp_problems(stamped, first_launch=1795976705.0) == []
    assert "2026-11-29 18:25:04 UTC and of this file; who signed it was not checked" in capsys.readouterr().out


def test_a_time_stamp_of_another_file_or_after_the_first_launch_is_a_problem(stamped: Path) -> None:
    (late,) = stamp_problems(stamped, first_launch=1795976703.0)
    stamped.write_text("another\n")
    (other,) = stamp_problems(stamped)

    assert late.endswith("after the first launch, 2026-11-29 18:25:03 UTC")
    assert other.endswith("is of another file")


def test_what_is_no_time_stamp_is_a_problem(stamped: Path) -> None:
    stamped.with_name("stamped.json.tsr").write_bytes(b"PASS")

    assert "is no time stamp: expected a time stamp as RFC 3161 defines it" in stamp_problems(stamped)[0]


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl")
def test_the_authoritys_signature_is_checked_with_certificates_that_the_reader_trusts(
    stamped: Path, capsys: Captured
) -> None:
    assert stamp_problems(stamped, authorities=STAMPS / "authority.pem") == []
    assert "signed by an authority of" in capsys.readouterr().out
    assert "does not hold" in stamp_problems(stamped, authorities=STAMPS / "signer.pem")[0]


def test_without_openssl_a_signature_that_was_asked_for_is_not_passed(
    stamped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)

    assert "openssl is not installed" in stamp_problems(stamped, authorities=STAMPS / "authority.pem")[0]


def test_another_title_is_said_with_and_without_the_file(tmp_path: Path, capsys: Captured) -> None:
    known = {**content(), "spec": {**content()["spec"], "title": "Another title"}}
    folder, file = report(tmp_path / "report", known), published(tmp_path, known)

    assert [verify_registration(folder, path, None) for path in (None, file)] == [None, None]
    assert capsys.readouterr().out.count("registration: the title was registered as 'Another title' and is") == 2
