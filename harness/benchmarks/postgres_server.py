"""An empty PostgreSQL server of one's own, for a while, where its binaries are installed."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import final

__all__ = ["PostgresServer", "postgres_server"]

DEBIAN = Path("/usr/lib/postgresql")


@final
class PostgresServer:
    """A server on a free loopback port that can be stopped and started again.

    Attributes:
        url: of its database.
    """

    def __init__(self, binaries: Path, folder: Path, *, durable: bool) -> None:
        port = _free_port()
        self.url = f"postgresql://harness@127.0.0.1:{port}/postgres"
        data = folder / "data"
        _as_user(binaries / "initdb", "-D", data, "-A", "trust", "-U", "harness", "-N")
        self._options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
        self._options += "" if durable else " -c fsync=off"
        self._log = folder / "log"
        self._control = (binaries / "pg_ctl", "-D", data, "-w")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        _as_user(*self._control, "-l", self._log, "-o", self._options, "start")

    def stop(self) -> None:
        """Stop it at once, as a loss of power would."""
        _as_user(*self._control, "-m", "immediate", "stop")


@contextmanager
def postgres_server(*, durable: bool = True) -> Iterator[PostgresServer | None]:
    """Start a server for the block; None where there are no binaries. One that is not `durable` is faster."""
    command = max(DEBIAN.glob("*/bin/pg_ctl"), default=None) or shutil.which("pg_ctl")
    if command is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="harness-") as name:
        folder = Path(name)
        folder.chmod(0o777)  # the server's user is another where this one is root
        server = PostgresServer(Path(command).parent, folder, durable=durable)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _as_user(*command: Path | str) -> None:
    """Call a program of the server, which refuses to be root."""
    root = os.getuid() == 0
    prefix = ["runuser", "-u", pwd.getpwnam("postgres").pw_name, "--"] if root else []
    subprocess.run([*prefix, *map(str, command)], check=True, stdout=subprocess.DEVNULL, cwd="/")
