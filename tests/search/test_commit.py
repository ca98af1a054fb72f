import subprocess
from pathlib import Path

import pytest

from harness.search.commit import commit_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A committed file of a repository of its own."""
    file = tmp_path / "study.py"
    file.write_text("before")
    user = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for command in (["init", "-q"], ["add", "."], [*user, "commit", "-q", "-m", "Begin"], ["tag", "v1"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return file


def test_a_study_in_a_repository_has_its_commit_and_no_path(file: Path) -> None:
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=file.parent, capture_output=True, text=True, check=True)

    assert commit_of(str(file)) == head.stdout.strip()


def test_a_study_that_was_changed_since_its_commit_says_so(file: Path) -> None:
    committed = commit_of(str(file))
    file.write_text("after")

    assert commit_of(str(file)) == f"{committed}-dirty"


def test_outside_a_repository_there_is_no_commit(tmp_path: Path) -> None:
    assert commit_of(str(tmp_path / "study.py")) == ""


def test_a_file_of_another_machine_has_no_commit_here(tmp_path: Path) -> None:
    assert commit_of(str(tmp_path / "elsewhere" / "study.py")) == ""


def test_a_machine_without_git_knows_no_commit(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(file.parent))

    assert commit_of(str(file)) == ""
