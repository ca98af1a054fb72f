import socket
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from harness.core.errors import AwayError, HomeError
from harness.search.trial_storage import open_storage
from harness.staging.database import Database
from harness.staging.workspace import Workspace

SETTINGS = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
    "tcp_user_timeout": "30000",
    "idle_in_transaction_session_timeout": "1min",
}


def settings_of(database: Database) -> dict[str, str]:
    with database.transaction() as transaction:
        found = {name: transaction.rows(f"SHOW {name}")[0][0] for name in (*SETTINGS, "search_path")}
    database.close()
    return found


@pytest.mark.postgres
def test_a_server_forgets_clients_that_are_gone(postgres: str, tmp_path: Path) -> None:
    ledger = Database(postgres)

    optuna = open_storage(Workspace(tmp_path, storage=postgres))

    with optuna.engine.connect() as connection:
        assert {name: connection.execute(text(f"SHOW {name}")).scalar() for name in SETTINGS} == SETTINGS
    assert settings_of(ledger) == SETTINGS | {"search_path": "harness_ledger"}
    optuna.engine.dispose()


@pytest.mark.postgres
def test_what_an_address_asks_for_counts_more_but_for_the_place_of_tables(postgres: str) -> None:
    database = Database(f"{postgres}?options=-c%20tcp_keepalives_idle%3D99%20-c%20search_path%3Delsewhere")

    assert settings_of(database) == SETTINGS | {"tcp_keepalives_idle": "99", "search_path": "harness_ledger"}


@pytest.mark.postgres
def test_a_server_that_is_silent_in_a_statement_is_given_up(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.staging.postgres_connection.SILENT_S", 0.3)
    database, began = Database(postgres), time.monotonic()

    with pytest.raises(AwayError, match="said nothing"), database.transaction() as transaction:
        transaction.rows("SELECT pg_sleep(20)")

    assert time.monotonic() - began < 10
    with database.transaction() as transaction:
        assert transaction.rows("SELECT 1") == [(1,)]
    database.close()


def test_a_server_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port, began = silent.getsockname()[1], time.monotonic()

        with pytest.raises(HomeError, match="timeout"):
            Database(f"postgresql://127.0.0.1:{port}/name?connect_timeout=2").create()

    assert time.monotonic() - began < 8
