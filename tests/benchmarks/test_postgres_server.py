import shutil
from pathlib import Path

import pytest

from harness.benchmarks import postgres_server as module
from harness.benchmarks.postgres_server import postgres_server
from harness.core.errors import HarnessError
from harness.staging.database import Database


@pytest.mark.postgres
def test_what_was_committed_outlives_a_loss_of_power(postgres: str) -> None:
    assert postgres
    with postgres_server() as server:
        assert server is not None
        database = Database(server.url)
        database.create()
        with database.transaction() as transaction:
            transaction.execute("INSERT INTO signals (study, name, run_id) VALUES ('a', 'b', 'c')")

        server.stop()
        server.start()

        with database.transaction() as transaction:
            assert transaction.rows("SELECT study FROM signals") == [("a",)]
        database.close()
    with pytest.raises(HarnessError):
        Database(server.url).create()


def test_without_its_binaries_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DEBIAN", tmp_path)
    monkeypatch.setattr(shutil, "which", lambda _name: None)

    with postgres_server() as server:
        assert server is None
