"""A user interface as a child process, which by default only this machine can reach."""

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, final

from harness.core.errors import HarnessError, InputError

__all__ = ["LOOPBACK", "Program", "UiServer", "answer_of", "is_private", "start_server"]

LOOPBACK = "127.0.0.1"  # user interfaces ask nobody for a password
STOP_LIMIT_S = 10.0
POLL_S = 0.1
TIMEOUT_S = 30.0
HIDDEN = ("HARNESS_", "MLFLOW_")  # prefixes of variables, among them passwords of other servers


@final
class UiServer:
    """A running user interface; leaving the context, or `stop`, ends it and nothing else.

    Attributes:
        url: where it answers.
        log: the file with its output.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
        self._process = process
        self.url = url
        self.log = log

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def lives(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def wait(self) -> None:
        """Wait until the server has ended; by itself it ends only after an error."""
        self._process.wait()

    def stop(self) -> None:
        """End the server and its workers; kill them if they take too long."""
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_LIMIT_S)
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


@dataclass(frozen=True)
class Program:
    """What is started as a server.

    Attributes:
        title: as people know it.
        command: to which `--host` and `--port` are added.
        folder: in which it runs and in which its log is written.
        log: the name of that file.
        health: the path that answers when it is ready.
        usual_port: taken if it is free.
        variables: added to its environment.
    """

    title: str
    command: Sequence[str]
    folder: Path
    log: str
    health: str
    usual_port: int
    variables: Mapping[str, str]


def start_server(program: Program, port: int | None, host: str, limit_s: float | None) -> UiServer:
    """Start a server, on its usual port if that is free, and return when it answers.

    On any `host` but the loopback address, anybody who can reach it can read and change everything.

    Args:
        program: the server.
        port: the one to use; None for the usual one, or any that is free.
        host: the address at which it answers.
        limit_s: after so many seconds without an answer it is given up; None to wait for as long as it lives.

    Raises:
        InputError: `host` is not of this machine, or `port` is taken.
        HarnessError: the server did not start.
    """
    port = _free_port(host, program.usual_port) if port is None else _expect_free(host, port)
    log = program.folder / program.log
    server = UiServer(_started(program, host, port, log), f"http://{_reachable(host)}:{port}", log)
    try:
        _expect_answer(server, program, limit_s)
    except BaseException:
        server.stop()
        raise
    return server


def is_private(host: str) -> bool:
    """Return whether only this machine can reach `host`."""
    return host == "localhost" or host == "::1" or host.startswith("127.")


def answer_of(request: urllib.request.Request) -> bytes:
    """Return what a server of this machine answers.

    Raises:
        OSError: it does not answer, or with an error.
    """
    # Without proxies: a proxy set in the environment cannot reach this machine's own address.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=TIMEOUT_S) as answer:
        return bytes(answer.read())


def _reachable(host: str) -> str:
    """Return `host` as part of an address that can be opened on this machine."""
    name = LOOPBACK if host == "0.0.0.0" else "::1" if host == "::" else host
    return f"[{name}]" if ":" in name else name


def _free_port(host: str, usual: int) -> int:
    for port in (usual, 0):
        with suppress(OSError), _bound(host, port) as bound:
            return int(bound.getsockname()[1])
    raise InputError(f"expected an address of this machine with a free port, found {host!r}; choose another --host")


def _expect_free(host: str, port: int) -> int:
    try:
        _bound(host, port).close()
    except (OSError, OverflowError) as error:
        raise InputError(f"port {port} cannot be used ({error}); choose another, or none for a free one") from None
    return port


def _bound(host: str, port: int) -> socket.socket:
    # With SO_REUSEADDR, as the server binds: a port that was closed a moment ago counts as free.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


def _started(program: Program, host: str, port: int, log: Path) -> "subprocess.Popen[bytes]":
    # Without settings and passwords of other servers.
    inherited = {name: value for name, value in os.environ.items() if not name.lstrip("_").startswith(HIDDEN)}
    with log.open("wb") as output:
        return subprocess.Popen(
            [*program.command, "--host", host, "--port", str(port)],
            cwd=program.folder,
            env={**inherited, **program.variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # its own process group: all of it, and nothing else, can be ended
        )


def _expect_answer(server: UiServer, program: Program, limit_s: float | None) -> None:
    request = urllib.request.Request(f"{server.url}{program.health}")
    began = time.monotonic()
    while server.lives and (limit_s is None or time.monotonic() < began + limit_s):
        with suppress(OSError):
            answer_of(request)
            return
        time.sleep(POLL_S)
    tail = "\n".join(server.log.read_text(errors="replace").splitlines()[-15:])
    raise HarnessError(
        f"expected {program.title} at {server.url}, but it did not start; {server.log} ends with:\n{tail}"
    )
