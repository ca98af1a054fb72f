from pathlib import Path

import pytest

from harness.core.errors import StudyNotFoundError
from harness.search.find import find_study, study_folders


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the test works; two studies lie there."""
    for name in ("digits", "clothes"):
        (tmp_path / "studies" / name).mkdir(parents=True)
        (tmp_path / "studies" / name / "study.py").touch()
    (tmp_path / "studies" / "notes").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("here")
def test_folders_with_a_study_are_listed_by_name() -> None:
    assert list(study_folders()) == ["clothes", "digits"]


def test_elsewhere_the_studies_beside_the_package_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert "digits-late-classes" in study_folders()


@pytest.mark.parametrize("name", ["digits", "studies/digits", "studies/digits/", "studies/digits/study.py"])
def test_a_study_is_found_by_name_folder_and_file(here: Path, name: str) -> None:
    assert find_study(name).absolute() == here / "studies" / "digits" / "study.py"


def test_a_study_is_found_by_its_whole_path(here: Path) -> None:
    folder = here / "studies" / "clothes"

    assert find_study(str(folder)) == folder / "study.py"


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("name", ["digit", "notes", "studies/notes", "studies"])
def test_an_unknown_study_is_refused_naming_those_there_are(name: str) -> None:
    with pytest.raises(StudyNotFoundError, match=f"no study '{name}'.*clothes, digits"):
        find_study(name)


@pytest.mark.usefixtures("here")
def test_the_likely_name_is_suggested() -> None:
    with pytest.raises(StudyNotFoundError, match="Did you mean 'digits'"):
        find_study("digist")
