from pathlib import Path

import pytest

import harness as h
from harness.core.errors import InputError, StudyNotFoundError
from harness.search.launch import launch
from harness.search.observer import Observer
from harness.search.study import Study
from harness.staging.runner import Runner
from harness.staging.workspace import Workspace


@pytest.fixture
def home(study: Study, tmp_path: Path) -> Path:
    """A home in which the study was run."""
    launch(study, Runner(Workspace(tmp_path).create()), Observer())
    return tmp_path


def test_a_home_is_opened_with_its_studies(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_HOME", str(home))

    assert h.open(home).names == ["tiny"]
    assert h.open().names == ["tiny"]
    assert "tiny" in repr(h.open())
    assert len(h.open(home)["tiny"].runs) == len(h.open(study="tiny").runs) == 2


def test_a_study_that_is_not_there_is_refused_with_those_that_are(home: Path) -> None:
    with pytest.raises(StudyNotFoundError, match="no study 'tyny' was begun"):
        h.open(home, "tyny")


def test_an_empty_folder_has_no_studies(tmp_path: Path) -> None:
    assert h.open(tmp_path).names == []


def test_what_is_no_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected the folder of a report"):
        h.open_report(tmp_path)


def test_a_folder_that_is_not_there_is_no_home(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"found none at .*mine; open\(study='mine'\) opens a study in the usual home"):
        h.open("mine")
    with pytest.raises(InputError, match=r"found none at .*nowhere$"):
        h.open(tmp_path / "nowhere", "tiny")
