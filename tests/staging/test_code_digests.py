from pathlib import Path

import pytest

from harness.core.errors import StudyChangedError
from harness.staging import code_digests
from harness.staging.code_digests import changed_code, check_code
from harness.staging.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Database:
    found = Database(tmp_path / "ledger.db")
    found.create()
    return found


def test_other_code_is_refused_once_runs_have_completed_and_kept_if_accepted(database: Database) -> None:
    check_code(database, "mine", {"net": "a", "task": "t"}, completed=0, accept=False)
    check_code(database, "mine", {"net": "b", "task": "t"}, completed=0, accept=False)
    check_code(database, "mine", {"net": "b", "task": "t"}, completed=3, accept=False)
    assert changed_code(database, "mine") == ()

    with pytest.raises(StudyChangedError, match=r"the code of 'net' has changed since runs of the study 'mine' .* 3\."):
        check_code(database, "mine", {"net": "c", "task": "t"}, completed=3, accept=False)
    check_code(database, "mine", {"net": "c", "task": "t"}, completed=3, accept=True)
    check_code(database, "mine", {"net": "c", "task": "t"}, completed=4, accept=False)

    assert (changed_code(database, "mine"), changed_code(database, "another")) == (("net",), ())


def test_a_study_that_was_begun_before_digests_were_kept_goes_on(database: Database) -> None:
    check_code(database, "mine", {"net": "a"}, completed=7, accept=False)

    assert changed_code(database, "mine") == ()


def test_digests_of_another_python_cannot_be_compared(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    check_code(database, "mine", {"net": "a"}, completed=0, accept=False)
    monkeypatch.setattr(code_digests, "VERSION", "4.0")

    check_code(database, "mine", {"net": "b"}, completed=7, accept=False)

    assert changed_code(database, "mine") == ()


def test_a_database_of_an_earlier_version_has_none(tmp_path: Path) -> None:
    (tmp_path / "old.db").touch()

    assert changed_code(Database(tmp_path / "old.db"), "mine") == ()
