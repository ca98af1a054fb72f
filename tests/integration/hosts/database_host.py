"""A host with a PostgreSQL server, which may lose power and come back."""

import pwd
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import final

import pytest

from harness.benchmarks.postgres_server import DEBIAN
from tests.integration.hosts.network import PREFIX, Host, Network

__all__ = ["PORT", "DatabaseHost", "database_host"]

NUMBER, PORT = 2, 5432


@final
class DatabaseHost:
    """A server on a host of its own.

    Attributes:
        url: for other hosts.
        watched: a URL for the process that tests, which reaches the server whatever is cut.
        host: that it runs on now.
    """

    def __init__(self, network: Network, folder: Path, binaries: Path) -> None:
        self.url = f"postgresql://harness@{PREFIX}.{NUMBER}:{PORT}/postgres"
        self.watched = f"postgresql://harness@/postgres?host={folder}&port={PORT}"
        self._network = network
        self._folder = folder
        self._binaries = binaries
        self._data = folder / "data"
        self.host: Host = network.host("database", NUMBER)
        self._run("initdb", "-D", self._data, "-A", "trust", "-U", "harness", "-N")
        with (self._data / "pg_hba.conf").open("a") as allowed:
            allowed.write(f"host all all {PREFIX}.0/24 trust\n")
        self._start()

    def lose(self) -> None:
        """Lose the host, whose disk stays."""
        self.host.lose()

    def come_back(self) -> None:
        """Start another host with the same disk, at the same address."""
        self.host = self._network.host("database", NUMBER)
        (self._data / "postmaster.pid").unlink()  # after a boot the process of that number may be any
        self._start()

    def _start(self) -> None:
        options = f"-p {PORT} -c listen_addresses=* -c unix_socket_directories={self._folder}"
        self._run("pg_ctl", "-D", self._data, "-w", "-l", self._folder / "log", "-o", options, "start")

    def _run(self, program: str, *arguments: str | Path) -> None:
        """Call a program of the server, which refuses to be root."""
        self.host.run("runuser", "-u", pwd.getpwnam("postgres").pw_name, "--", self._binaries / program, *arguments)


@contextmanager
def database_host(network: Network) -> Iterator[DatabaseHost]:
    """Open a host with a server for the block; skip the test where there is none."""
    command = max(DEBIAN.glob("*/bin/pg_ctl"), default=None)
    if command is None:
        pytest.skip("no PostgreSQL server binaries")
    with tempfile.TemporaryDirectory(prefix="harness-") as name:
        folder = Path(name)
        folder.chmod(0o777)  # the server's user is another
        try:
            yield DatabaseHost(network, folder, command.parent)
        finally:
            network.close()  # before its disk goes
