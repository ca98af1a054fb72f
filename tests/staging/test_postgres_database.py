import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from harness.core.errors import AwayError, HomeError
from harness.staging.database import Database
from harness.staging.postgres_database import PostgresDatabase, parse_url

CANARY = "canary-4711"


def test_a_server_that_cannot_be_reached_is_one_line_without_its_password() -> None:
    database = Database(f"postgresql://me:{CANARY}@127.0.0.1:9/nothing")

    with pytest.raises(HomeError) as error:
        database.create()

    assert "\n" not in str(error.value)
    assert "127.0.0.1" in str(error.value)
    assert CANARY not in str(error.value) + str(database) + repr(database.url)


@pytest.mark.postgres
def test_a_server_that_is_away_for_a_while_is_waited_for(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    server, slept = PostgresDatabase(parse_url(postgres)), list[float]()
    with server.transaction():
        pass
    assert server._engine is not None
    connect, left = server._engine.connect, [None, None]

    def away() -> Connection:
        if left:
            left.pop()
            raise OperationalError("connect", None, Exception("refused"))
        return connect()

    monkeypatch.setattr(server._engine, "connect", away)
    monkeypatch.setattr("harness.staging.postgres_database.time.sleep", slept.append)

    with server.transaction() as transaction:
        assert transaction.rows("SELECT 1") == [(1,)]

    assert slept == [0.5, 1]
    server.close()


@pytest.mark.postgres
def test_a_server_that_stays_away_is_given_up(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    server, slept = PostgresDatabase(parse_url(postgres)), list[float]()
    with server.transaction():
        pass

    def away() -> Connection:
        raise OperationalError("connect", None, Exception("refused"))

    monkeypatch.setattr(server._engine, "connect", away)
    monkeypatch.setattr("harness.staging.postgres_database.time.sleep", slept.append)

    with pytest.raises(HomeError, match="refused"), server.transaction():
        pass

    assert 60 <= sum(slept) < 90
    server.close()


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
    monkeypatch.setattr("harness.staging.postgres_database.time.sleep", slept.append)
    database.expect()

    with pytest.raises(HomeError), database.transaction():
        pass

    assert sum(slept) >= 60
