import base64
import socket
import struct
import threading

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


def echo_a_password(listener: socket.socket) -> None:
    """Ask whoever comes for a password, as a server of PostgreSQL does, and repeat it in the refusal."""
    talk, _ = listener.accept()
    with talk, talk.makefile("rb") as heard:
        for asked in (b"N", b"R" + struct.pack("!ii", 8, 3)):  # no encryption; the password in clear text
            heard.read(struct.unpack("!i", heard.read(4))[0] - 4)
            talk.sendall(asked)
        heard.read(1)
        word = heard.read(struct.unpack("!i", heard.read(4))[0] - 4).rstrip(b"\0")
        fields = b"SFATAL\0C28P01\0Mnot " + b" ".join([word, base64.b64encode(word), word.hex().encode()]) + b"\0\0"
        talk.sendall(b"E" + struct.pack("!i", len(fields) + 4) + fields)


@pytest.mark.parametrize("address", [f"me:{CANARY}@HOST/name", f"me@HOST/name?password={CANARY}&sslmode=prefer"])
def test_a_server_that_repeats_the_password_is_not_quoted_with_it(address: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        talking = threading.Thread(target=echo_a_password, args=(listener,))
        talking.start()
        database = Database(f"postgresql://{address}".replace("HOST", f"127.0.0.1:{listener.getsockname()[1]}"))

        with pytest.raises(HomeError, match=r"not \*\*\* \*\*\* \*\*\*") as error:
            database.create()
        talking.join()

    assert CANARY not in str(error.value) + str(database)


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
