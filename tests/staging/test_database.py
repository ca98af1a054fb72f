import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from harness.core.errors import AwayError, HomeError, InputError
from harness.staging.database import Database

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


def test_the_clock_is_the_databases_own_in_seconds(database: Database) -> None:
    with database.transaction() as transaction:
        ((now,),) = transaction.rows("SELECT {now}")

    assert 1.7e9 < float(now) < 1e10


def test_a_server_that_cannot_be_reached_is_one_line_without_its_password() -> None:
    database = Database(f"postgresql://me:{CANARY}@127.0.0.1:9/nothing")

    with pytest.raises(HomeError) as error:
        database.create()

    assert "\n" not in str(error.value)
    assert "127.0.0.1" in str(error.value)
    assert CANARY not in str(error.value) + str(database) + repr(database.url)


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


def test_a_file_is_synced_at_every_transaction(tmp_path: Path) -> None:
    database, full = Database(tmp_path / "ledger.sqlite"), 2
    database.create()

    with database.transaction() as transaction:
        assert transaction.rows("PRAGMA synchronous") == [(full,)]


def test_a_server_is_taken_to_be_there(postgres: str) -> None:
    assert Database(postgres).exists


@pytest.mark.postgres
def test_a_server_that_is_away_for_a_while_is_waited_for(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database, slept = Database(postgres), list[float]()
    database.create()
    assert database._engine is not None
    connect, left = database._engine.connect, [None, None]

    def away() -> Connection:
        if left:
            left.pop()
            raise OperationalError("connect", None, Exception("refused"))
        return connect()

    monkeypatch.setattr(database._engine, "connect", away)
    monkeypatch.setattr("harness.staging.database.time.sleep", slept.append)

    with database.transaction() as transaction:
        assert transaction.rows("SELECT 1") == [(1,)]

    assert slept == [0.5, 1]
    database.close()


@pytest.mark.postgres
def test_a_server_that_stays_away_is_given_up(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database, slept = Database(postgres), list[float]()
    database.create()

    def away() -> Connection:
        raise OperationalError("connect", None, Exception("refused"))

    monkeypatch.setattr(database._engine, "connect", away)
    monkeypatch.setattr("harness.staging.database.time.sleep", slept.append)

    with pytest.raises(HomeError, match="refused"), database.transaction():
        pass

    assert 60 <= sum(slept) < 90
    database.close()


@pytest.mark.postgres
def test_a_server_that_goes_away_in_the_middle_is_told_from_what_cannot_be_used(postgres: str) -> None:
    database = Database(postgres)
    database.create()

    def break_off() -> None:
        with database.transaction() as transaction:
            transaction.rows("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(AwayError, match="went away in the middle of a transaction"):
        break_off()

    with database.transaction() as transaction:
        assert transaction.rows("SELECT 1") == [(1,)]
    database.close()


def test_a_server_that_another_process_reached_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    database, slept = Database("postgresql://127.0.0.1:9/nothing"), list[float]()
    monkeypatch.setattr("harness.staging.database.time.sleep", slept.append)
    database.expect()

    with pytest.raises(HomeError), database.transaction():
        pass

    assert sum(slept) >= 60
