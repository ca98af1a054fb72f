import threading
from pathlib import Path

import pytest

from harness.core.errors import HomeError, InputError
from harness.staging.database import SCHEMA, Database

CANARY = "canary-4711"


def test_a_transaction_is_all_or_nothing(database: Database) -> None:
    def fail() -> None:
        with database.transaction() as transaction:
            transaction.execute("INSERT INTO signals (study, name, run_id) VALUES ('a', 'b', 'c')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    with database.transaction() as transaction:
        assert transaction.rows("SELECT * FROM signals") == []


def test_creating_it_again_and_at_the_same_time_keeps_what_is_there(database: Database) -> None:
    with database.transaction() as transaction:
        transaction.execute("INSERT INTO signals (study, name, run_id) VALUES ('a', 'b', 'c')")
    threads = [threading.Thread(target=database.create) for _ in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with database.transaction() as transaction:
        assert transaction.rows("SELECT study, name, run_id FROM signals") == [("a", "b", "c")]


def test_tables_are_created_all_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(tmp_path / "ledger.sqlite")
    with monkeypatch.context() as patch:
        patch.setattr("harness.staging.database.SCHEMA", (*SCHEMA, "CREATE as if the process were killed here"))
        with pytest.raises(HomeError, match="syntax error"):
            database.create()

    with database.transaction() as transaction:
        assert not transaction.has("studies")
    database.create()
    with database.transaction() as transaction:
        assert transaction.has("studies")


def test_the_clock_is_the_databases_own_in_seconds(database: Database) -> None:
    with database.transaction() as transaction:
        ((now,),) = transaction.rows("SELECT {now}")

    assert 1.7e9 < float(now) < 1e10


@pytest.mark.parametrize("url", ["mysql://me@host/name", f"me:{CANARY}@host", "sqlite://", "nonsense", "postgres:x:y"])
def test_another_kind_of_url_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="expected a storage like postgresql://") as error:
        Database(url)

    assert CANARY not in str(error.value)


def test_a_file_is_there_once_it_was_created(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'deep' / 'ledger.sqlite'}")
    assert not database.exists

    database.create()

    assert database.exists
    assert database.path == tmp_path / "deep" / "ledger.sqlite"


def test_a_server_is_taken_to_be_there(postgres: str) -> None:
    assert Database(postgres).exists
