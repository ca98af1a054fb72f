"""Databases of both kinds, for what must hold on each."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.staging.database import Database

SERVERS = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of an empty PostgreSQL server of the test's own, on a free loopback port."""
    command = SERVERS[-1] if SERVERS else shutil.which("pg_ctl")
    if command is None:
        pytest.skip("no PostgreSQL server binaries")
    binaries = Path(command).parent
    user = pwd.getpwnam("postgres").pw_name if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    as_user = ["runuser", "-u", user, "--"] if os.getuid() == 0 else []
    with tempfile.TemporaryDirectory() as name, socket.socket() as free:
        folder = Path(name)
        folder.chmod(0o777)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        data = folder / "data"
        _call(*as_user, str(binaries / "initdb"), "-D", str(data), "-A", "trust", "-U", "harness", "-N")
        free.close()
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        control = [*as_user, str(binaries / "pg_ctl"), "-D", str(data), "-w"]
        _call(*control, "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql://harness@127.0.0.1:{port}/postgres"
        finally:
            _call(*control, "-m", "immediate", "stop")


def _call(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database: a SQLite file, then a PostgreSQL server."""
    if request.param == "sqlite":
        found = Database(tmp_path / "ledger.sqlite")
        found.create()
        yield found
        return
    found = Database(request.getfixturevalue("postgres"))
    found.create()
    yield found
    with found.transaction() as transaction:
        for table in ("studies", "origins", "runs", "stages", "signals", "leases"):
            transaction.execute(f"TRUNCATE {table}")
    found.close()
