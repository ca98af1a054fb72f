import pickle
from pathlib import Path

import pytest

from harness.staging.ledger import StudyRecord
from harness.staging.study_spec import StudySpec
from harness.staging.workspace import Workspace


def study_in(store: str) -> StudyRecord:
    return StudyRecord("tiny", StudySpec({}), trials=1, seeds=1, store=store)


def test_all_lies_in_the_home_unless_named(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)

    assert workspace.ledger.database.path == tmp_path / "ledger.sqlite"
    assert workspace.store.root == workspace.stages == tmp_path / "store"
    assert workspace.report_folder("tiny") == tmp_path / "reports" / "tiny"


def test_ledger_and_store_are_opened_once_and_nothing_is_written_before_create(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "home")

    assert workspace.ledger is workspace.ledger is workspace.store.ledger
    assert workspace.store is workspace.store
    assert not (tmp_path / "home").exists()
    assert workspace.create() is workspace
    assert workspace.ledger.exists


def test_a_pickled_workspace_opens_its_ledger_anew(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, store_folder=tmp_path / "stages", data_folder=Path("data")).create()

    copy = pickle.loads(pickle.dumps(workspace))

    assert copy == workspace
    assert copy.ledger is not workspace.ledger


@pytest.mark.parametrize(
    ("named", "recorded", "expected"),
    [(None, "", "home/store"), (None, "other", "other"), ("named", "other", "named"), ("named", "", "named")],
)
def test_a_study_has_the_store_that_it_was_run_with_unless_another_is_named(
    named: str | None, recorded: str, expected: str
) -> None:
    workspace = Workspace(Path("home"), store_folder=Path(named) if named else None)

    assert workspace.of_study(study_in(recorded)).stages == Path(expected)
