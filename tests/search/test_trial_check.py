import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from harness.search.proposals import Proposals
from harness.search.study import Study
from harness.search.trial_check import damaged_trials, is_damaged
from harness.staging.ledger import RunRecord
from harness.staging.workspace import Workspace


def ended(value: float) -> RunRecord:
    metrics = {"val/accuracy/all": value}
    return RunRecord("tiny", 0, "frozen", 0, "0123abcd", params={}, config={}, status="completed", metrics=metrics)


@pytest.fixture
def workspace(study: Study, tmp_path: Path) -> Workspace:
    """A home in which two trials were proposed, one of which has ended."""
    workspace = Workspace(tmp_path).create()
    proposals = Proposals(study, workspace)
    proposals.params(2)
    proposals.tell(0, [ended(0.5)])
    return workspace


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def alter(path: Path, alteration: Callable[[bytes], bytes]) -> None:
    path.write_bytes(alteration(path.read_bytes()))


DAMAGES: dict[str, Callable[[Path], None]] = {
    "half": lambda path: alter(path, lambda content: content[: len(content) // 2]),
    "short": lambda path: alter(path, lambda content: content[:-1000]),
    "something else": lambda path: path.write_bytes(b"not a database " * 100),
    "flipped header": lambda path: alter(path, lambda content: content[:20] + b"\xff" + content[21:]),
    "overwritten pages": lambda path: alter(path, lambda content: content[:4096] + b"\xff" * (len(content) - 4096)),
    "parameter": lambda path: change(path, "UPDATE trial_params SET param_value = param_value + 1"),
    "value": lambda path: change(path, "UPDATE trial_values SET value = 0.500001"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found_and_trials_are_made_anew(workspace: Workspace, study: Study, damage: str) -> None:
    before, path = Proposals(study, workspace).params(2), workspace.home / "optuna.sqlite"
    assert damaged_trials(workspace) == []
    DAMAGES[damage](path)

    assert damaged_trials(workspace)[0] in (str(path), "tiny, trial 0")
    again = Proposals(study, workspace)

    assert again.finished() == frozenset()  # until it is told
    assert again.params(2) == before
    assert damaged_trials(workspace) == []
    assert path.with_suffix(".damaged").is_file()


def test_a_file_without_trials_is_not_damaged(tmp_path: Path) -> None:
    assert damaged_trials(Workspace(tmp_path).create()) == []
    assert list(tmp_path.glob("optuna*")) == []


def test_trials_of_an_earlier_version_have_no_digests(workspace: Workspace, study: Study) -> None:
    change(workspace.home / "optuna.sqlite", "DELETE FROM trial_system_attributes")
    change(workspace.home / "optuna.sqlite", "UPDATE trial_values SET value = 0.500001")

    assert damaged_trials(workspace) == []
    assert Proposals(study, workspace).finished() == {0}


def test_a_database_that_is_locked_is_not_damaged(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.search.trial_check.PATIENCE_S", 0.05)
    path = workspace.home / "optuna.sqlite"
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")

        assert not is_damaged(path)


def test_whole_numbers_are_the_same_whichever_way_they_are_stored(study: Study, tmp_path: Path) -> None:
    proposals = Proposals(study, Workspace(tmp_path).create())
    proposals.params(1)
    proposals.tell(0, [ended(1.0)])

    assert Proposals(study, Workspace(tmp_path)).finished() == {0}
    assert not list(tmp_path.glob("*.damaged"))
