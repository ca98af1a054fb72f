from pathlib import Path

from harness.tracking.mlflow.client import ClientConnection
from harness.tracking.mlflow.location import sqlite_uri


def test_a_server_knows_experiments_and_runs_by_the_same_names(empty_database: Path, tmp_path: Path) -> None:
    (tmp_path / "mlflow.sqlite").write_bytes(empty_database.read_bytes())
    connection = ClientConnection(sqlite_uri(tmp_path / "mlflow.sqlite"))
    experiment = connection.create_experiment("study", None, {"note": "text"})
    run = connection.create_run(experiment, 5, {"seed": "1"}, "a run")

    found = connection.get_experiment_by_name("study")
    (again,) = connection.search_runs(experiment, {"seed": "1"})

    assert found is not None
    assert (found.id, found.is_deleted, found.tags["note"]) == (experiment, False, "text")
    assert (again.id, again.name, again.start_ms, again.status) == (run.id, "a run", 5, "RUNNING")
