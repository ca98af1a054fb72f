import sqlite3
from pathlib import Path

import pytest

from harness.core.errors import HarnessError, HomeError
from harness.tracking.mlflow.client import ClientConnection, MlflowException
from harness.tracking.mlflow.database import explained, open_connection
from harness.tracking.mlflow.location import default_tracking_uri
from harness.tracking.mlflow.rows import RowConnection


def test_a_password_in_the_uri_is_not_in_the_message() -> None:
    uri = "postgresql://ada:s3cret@db/mlflow"

    with pytest.raises(HarnessError) as caught, explained(uri, ClientConnection.errors):
        raise MlflowException(f"no answer from {uri}")

    assert "s3cret" not in str(caught.value)
    assert "postgresql://***@db/mlflow" in str(caught.value)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mlflow.sqlite").write_text("not a database, and long enough to be looked at by SQLite")

    with pytest.raises(HomeError, match="nothing is lost: move it away, and `harness sync` makes another"):
        open_connection(default_tracking_uri(tmp_path))


def test_a_creation_that_is_cut_short_leaves_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(file: Path) -> None:
        file.write_bytes(b"half a database")
        raise KeyboardInterrupt

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("harness.tracking.mlflow.client.create_database", killed)
    with pytest.raises(KeyboardInterrupt):
        open_connection(default_tracking_uri(tmp_path))

    assert not (tmp_path / "mlflow.sqlite").exists()


def test_a_creation_that_was_cut_short_does_no_harm(empty_database: Path) -> None:
    assert isinstance(open_connection(f"sqlite:///{empty_database}"), RowConnection)
    assert not empty_database.with_name("mlflow.sqlite.unfinished").exists()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE alembic_version SET version_num = 'of a later version'",
        "ALTER TABLE metrics ADD COLUMN unknown INTEGER",
        "CREATE TRIGGER counted AFTER INSERT ON metrics BEGIN SELECT 1; END",
        "DROP TABLE alembic_version",
    ],
)
def test_tables_of_another_version_are_left_to_mlflow(
    tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    path = tmp_path / "mlflow.sqlite"
    path.write_bytes(empty_database.read_bytes())
    with sqlite3.connect(path) as database:
        database.execute(change)
    database.close()
    opened: list[str] = []
    monkeypatch.setattr("harness.tracking.mlflow.client.MlflowClient", lambda tracking_uri: opened.append(tracking_uri))

    assert isinstance(open_connection(default_tracking_uri(tmp_path)), ClientConnection)
    assert opened == [default_tracking_uri(tmp_path)]


def test_workspaces_are_left_to_mlflow(empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.tracking.mlflow.client.MlflowClient", lambda tracking_uri: tracking_uri)
    monkeypatch.setenv("MLFLOW_ENABLE_WORKSPACES", "true")

    assert isinstance(open_connection(f"sqlite:///{empty_database}"), ClientConnection)
