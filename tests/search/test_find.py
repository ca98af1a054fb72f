from pathlib import Path

import pytest

from harness.core.errors import StudyNotFoundError
from harness.search.find import find_study, likely_studies, own_studies, shipped_studies, study_folders


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
    assert list(own_studies()) == ["clothes", "digits"]


def test_elsewhere_the_studies_that_came_with_the_package_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert "digits-late-classes" in study_folders()
    assert find_study("digits-late-classes") == shipped_studies()["digits-late-classes"] / "study.py"


def test_a_study_here_hides_one_that_came_with_the_package(here: Path) -> None:
    (here / "studies" / "digits-late-classes").mkdir()
    (here / "studies" / "digits-late-classes" / "study.py").touch()

    assert find_study("digits-late-classes").absolute().is_relative_to(here)


@pytest.mark.parametrize(("place", "shown"), [("wide/study.py", "wide"), ("mine.py", "mine.py"), ("a/b.py", "a/b.py")])
def test_what_looks_like_a_study_elsewhere_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, shown: str
) -> None:
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text("def study() -> Study:\n")
    (tmp_path / "other.py").write_text("def other() -> Study:\n")
    monkeypatch.chdir(tmp_path)

    assert [str(path) for path in likely_studies()] == [shown]
    with pytest.raises(StudyNotFoundError, match=f"but {shown} looks like one"):
        find_study("wider")


def test_where_there_is_none_it_says_how_to_come_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(StudyNotFoundError, match=r"Did you mean 'split-mnist'\?.*harness examples.*harness new NAME"):
        find_study("split-mnits")


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


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("stdy.py", "no such file 'stdy.py'. Did you mean 'study.py'? There are: study.py."),
        ("late/wnie.py", "no such file 'late/wnie.py'. Did you mean 'late/wine.py'? There are: late/wine.py."),
        ("nowhere/study.py", "no such file 'nowhere/study.py'. No study lies beside it."),
    ],
)
def test_a_file_that_is_not_there_is_refused_naming_the_studies_beside_it(here: Path, asked: str, said: str) -> None:
    for name in ("study.py", "late/wine.py"):
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).write_text("def study() -> Study:\n")
    (here / "studying.py").touch()

    with pytest.raises(StudyNotFoundError) as found:
        find_study(asked)

    assert str(found.value) == said
