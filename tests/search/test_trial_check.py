import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from optuna.trial import TrialState

from harness.core.errors import HomeError
from harness.search.proposals import Proposals
from harness.search.study import Study
from harness.search.trial_check import damaged_trials, end_digest, params_digest
from harness.staging.ledger import RunRecord
from harness.staging.workspace import Workspace


def ended(value: float) -> RunRecord:
    metrics = {"val/accuracy/all": value}
    return RunRecord("tiny", 0, "frozen", 0, "0123abcd", params={}, config={}, status="completed", metrics=metrics)


HOMES: list[Path] = []


@pytest.fixture
def workspace(study: Study, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A copy of a home in which two trials were proposed, one of which has ended."""
    if not HOMES:
        HOMES.append(tmp_path_factory.mktemp("home"))
        proposals = Proposals(study, Workspace(HOMES[0]).create())
        proposals.params(2)
        proposals.tell(0, [ended(0.5)])
    shutil.copytree(HOMES[0], tmp_path, dirs_exist_ok=True)
    return Workspace(tmp_path)


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def alter(path: Path, alteration: Callable[[bytes], bytes]) -> None:
    path.write_bytes(alteration(path.read_bytes()))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "short": lambda path: alter(path, lambda content: content[:-1000]),
    "something else": lambda path: path.write_bytes(b"not a database " * 100),
    "overwritten pages": lambda path: alter(path, lambda content: content[:4096] + b"\xff" * (len(content) - 4096)),
    "parameter": lambda path: change(path, "UPDATE trial_params SET param_value = 19 WHERE param_name = 'when'"),
    "choice": lambda path: change(path, "UPDATE trial_params SET param_value = 99 WHERE param_name = 'init'"),
    "value": lambda path: change(path, "UPDATE trial_values SET value = 0.500001"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found_and_trials_are_made_anew(workspace: Workspace, study: Study, damage: str) -> None:
    before, path = Proposals(study, workspace).params(2), workspace.home / "optuna.sqlite"
    assert damaged_trials(workspace) == []
    DAMAGES[damage](path)

    assert damaged_trials(workspace)[0] in (str(path), "tiny, trial 0", "tiny")
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


def test_tables_of_another_version_of_optuna_are_one_line(workspace: Workspace, study: Study) -> None:
    change(workspace.home / "optuna.sqlite", "UPDATE alembic_version SET version_num = 'v9.9.9'")

    with pytest.raises(
        HomeError, match=r"expected tables of Optuna .* found those of another version; install .* move"
    ):
        Proposals(study, workspace)


def test_whole_numbers_are_the_same_whichever_way_they_are_stored() -> None:
    assert params_digest({"b": 1, "a": True}) == params_digest({"a": True, "b": 1.0})
    assert params_digest({"b": 1}) != params_digest({"b": True})
    assert end_digest(TrialState.COMPLETE, [1]) == end_digest(TrialState.COMPLETE, [1.0])


@pytest.mark.parametrize("happens", ["deleted", "truncated"])
def test_what_happens_to_the_file_meanwhile_is_one_line_and_then_made_good(
    workspace: Workspace, study: Study, happens: str
) -> None:
    proposals, path = Proposals(study, workspace), workspace.home / "optuna.sqlite"
    before = proposals.params(2)
    if happens == "deleted":
        path.unlink()
    else:
        alter(path, lambda content: content[: len(content) // 2])

    with pytest.raises(HomeError, match=r"expected Optuna's database at [^\[]*; once that is mended, or"):
        proposals.tell(1, [ended(0.5)])

    assert Proposals(study, workspace).params(2) == before
