"""A PostgreSQL server that has no connection left, asks for another password, is killed, or has a full disk."""

import os
import pwd
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from harness.benchmarks.postgres_server import PostgresServer, postgres_server
from harness.staging.histories import run_history
from harness.staging.ledger import Ledger
from tests.integration.drivers import LASTING, environment, write_study

STUDY = "tiny"
UNREPORTED = str(Path(__file__).with_name("unreported.py"))
CANARY = "canary-4711"
OURS = "ours"  # the name of connections of the test
LONGEST_S = 240.0  # until a command that a server leaves alone for good has ended
Begun = subprocess.Popen[str]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[object, object]:
    """What is measured where nothing happens."""
    home = tmp_path_factory.mktemp("calm")
    assert begun(home, f"sqlite:///{home}/ledger.sqlite").wait() == 0
    return numbers(home, Ledger(home))


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of the test's own."""
    with postgres_server() as server:
        if server is None:
            pytest.skip("no PostgreSQL server binaries")
        yield server


def begun(home: Path, storage: str, *options: str) -> Begun:
    """Begin the study, which writes what it says to a file."""
    home.mkdir(exist_ok=True)
    command = [sys.executable, UNREPORTED, "run", str(write_study(home, LASTING)), "--no-tracking", *options]
    with (home / "said.txt").open("w") as said:
        place = ["--home", str(home), "--storage", storage]
        return subprocess.Popen([*command, *place], cwd=home, env=environment(), stdout=said, stderr=said, text=True)


def last_line(home: Path, *secrets: str) -> str:
    """Return the last line of what was said, in which there is no traceback and no secret."""
    said = (home / "said.txt").read_text()
    assert [word for word in ("Traceback", *secrets) if word in said] == []
    return said.strip().splitlines()[-1]


def numbers(home: Path, ledger: Ledger) -> dict[object, object]:
    found: dict[object, object] = {
        run.key: (run.status, run.reason, run.growths, run.stages, run_history(home / "store", run.stages))
        for run in ledger.runs(STUDY)
    }
    ledger.database.close()
    return found


def stored(home: Path) -> int:
    return len(list((home / "store").rglob("state.safetensors")))


def in_mid_run(home: Path, process: Begun) -> None:
    """Wait until the first stages are stored."""
    while not stored(home):
        assert process.poll() is None, (home / "said.txt").read_text()
        time.sleep(0.02)


@contextmanager
def connected(url: str) -> Iterator[psycopg.Connection]:
    with closing(psycopg.connect(url, autocommit=True, application_name=OURS)) as connection:
        yield connection


def break_off(connection: psycopg.Connection) -> None:
    """End the connections of everybody else."""
    connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name <> %s", [OURS])


def take(held: ExitStack, url: str) -> None:
    """Take every connection that the server has left."""
    with suppress(psycopg.OperationalError):
        while True:
            held.enter_context(connected(url))


def check_that_the_same_command_goes_on(home: Path, storage: str, expected: dict[object, object]) -> None:
    assert begun(home, storage).wait() == 0, (home / "said.txt").read_text()
    assert numbers(home, Ledger(home, storage)) == expected


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.postgres
def test_a_server_without_a_connection_left_is_one_line_at_first_and_waited_for_later(
    tmp_path: Path, server: PostgresServer, expected: dict[object, object]
) -> None:
    server.stop()
    server._options += " -c max_connections=8"
    server.start()
    home = tmp_path / "home"

    with ExitStack() as held:
        take(held, server.url)
        code = begun(home, server.url).wait()

    assert code == 2
    assert "too many clients" in last_line(home)
    launch = begun(home, server.url, "--workers", "2")
    in_mid_run(home, launch)
    with ExitStack() as held, connected(server.url) as connection:
        for _ in range(20):
            break_off(connection)
            take(held, server.url)
            time.sleep(0.1)
    assert launch.wait() == 0, (home / "said.txt").read_text()
    assert "trying again" in (home / "said.txt").read_text()
    assert numbers(home, Ledger(home, server.url)) == expected


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.postgres
def test_a_wrong_password_is_one_line_that_does_not_quote_it_at_first_and_in_mid_run(
    tmp_path: Path, server: PostgresServer, expected: dict[object, object]
) -> None:
    home, right = tmp_path / "home", make_url(server.url).set(password=f"right-{CANARY}")
    with connected(server.url) as connection:
        connection.execute(f"ALTER USER harness PASSWORD 'right-{CANARY}'")
        ((rules,),) = connection.execute("SHOW hba_file").fetchall()
        Path(rules).write_text("host all all 127.0.0.1/32 scram-sha-256\n")
        connection.execute("SELECT pg_reload_conf()")
        time.sleep(1)

        wrong = begun(home, right.set(password=f"wrong-{CANARY}").render_as_string(hide_password=False)).wait()

        assert wrong == 2
        assert "password authentication failed" in last_line(home, CANARY)
        storage = right.render_as_string(hide_password=False)
        launch = begun(home, storage)
        in_mid_run(home, launch)
        connection.execute("ALTER USER harness PASSWORD 'another'")
        break_off(connection)
        assert launch.wait(LONGEST_S) == 2
        assert "password authentication failed" in last_line(home, CANARY)
        connection.execute(f"ALTER USER harness PASSWORD 'right-{CANARY}'")
    check_that_the_same_command_goes_on(home, storage, expected)


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.postgres
def test_a_server_that_is_gone_for_good_is_one_line_after_minutes_and_nothing_is_lost(
    tmp_path: Path, server: PostgresServer, expected: dict[object, object]
) -> None:
    home = tmp_path / "home"
    launch = begun(home, server.url)
    in_mid_run(home, launch)
    server.stop()

    assert launch.wait(LONGEST_S) == 2

    assert "expected the database postgresql" in last_line(home)
    server.start()
    check_that_the_same_command_goes_on(home, server.url, expected)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A folder of the server's user on a disk of a few megabytes."""
    with tempfile.TemporaryDirectory(prefix="harness-") as name:
        Path(name).chmod(0o777)
        disk = Path(name) / "disk"
        disk.mkdir()
        options = f"size=16m,uid={pwd.getpwnam('postgres').pw_uid},mode=700" if os.getuid() == 0 else ""
        if not options or subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", disk], check=False).returncode:
            pytest.skip("this user mounts no disk")
        yield disk
        subprocess.run(["umount", disk], check=True)


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.postgres
def test_a_server_whose_disk_is_full_is_one_line_and_nothing_is_lost(
    tmp_path: Path, small_disk: Path, server: PostgresServer, expected: dict[object, object]
) -> None:
    home, storage = tmp_path / "home", server.url.replace("/postgres", "/small")
    with connected(server.url) as connection:
        connection.execute(f"CREATE TABLESPACE small LOCATION '{small_disk}'")
        connection.execute("CREATE DATABASE small TABLESPACE small")
    launch = begun(home, storage)
    in_mid_run(home, launch)
    filler = small_disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))

    code = launch.wait(LONGEST_S)

    assert code == 2
    assert "No space left on device" in last_line(home)
    assert "free space" in last_line(home)
    filler.unlink()
    check_that_the_same_command_goes_on(home, storage, expected)
