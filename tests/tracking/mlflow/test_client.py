from pathlib import Path

import pytest

from harness.core.errors import HarnessError
from harness.tracking.mlflow.client import MlflowException, explained, open_client
from harness.tracking.mlflow.location import default_tracking_uri


def test_a_password_in_the_uri_is_not_in_the_message() -> None:
    uri = "postgresql://ada:s3cret@db/mlflow"

    with pytest.raises(HarnessError) as caught, explained(uri):
        raise MlflowException(f"no answer from {uri}")

    assert "s3cret" not in str(caught.value)
    assert "postgresql://***@db/mlflow" in str(caught.value)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mlflow.sqlite").write_text("not a database, and long enough to be looked at by SQLite")

    with pytest.raises(HarnessError, match="the study can be projected again"):
        open_client(default_tracking_uri(tmp_path))


def test_a_creation_that_is_cut_short_leaves_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object, **__: object) -> None:
        (tmp_path / "mlflow.sqlite.unfinished").write_bytes(b"half a database")
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.tracking.mlflow.client.MlflowClient", killed)
    with pytest.raises(KeyboardInterrupt):
        open_client(default_tracking_uri(tmp_path))

    assert not (tmp_path / "mlflow.sqlite").exists()


def test_a_creation_that_was_cut_short_does_no_harm(empty_database: Path) -> None:
    assert open_client(f"sqlite:///{empty_database}").search_experiments()
    assert not empty_database.with_name("mlflow.sqlite.unfinished").exists()
