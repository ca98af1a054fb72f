"""The MLflow UI over a home: a child process, which by default only this machine can reach."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, final

from harness.core.errors import HarnessError, HomeError, InputError
from harness.tracking.mlflow.database import check_intact
from harness.tracking.mlflow.location import artifacts_beside, default_tracking_uri, home_database
from harness.tracking.mlflow.pages import fetch

__all__ = ["LOOPBACK", "UiServer", "is_private", "start_ui"]

LOOPBACK = "127.0.0.1"  # MLflow asks nobody for a password
USUAL_PORT = 5000
START_LIMIT_S = 60.0
STOP_LIMIT_S = 10.0
POLL_S = 0.1
CLIENT_VARIABLES = ("HARNESS_", "MLFLOW_")  # prefixes; passwords are among them


@final
class UiServer:
    """A running MLflow UI; leaving the context, or `stop`, ends it and nothing else.

    Attributes:
        url: where it answers.
    """

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self._process = process
        self.url = url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

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


def start_ui(home: Path, port: int | None = None, host: str = LOOPBACK) -> UiServer:
    """Start the MLflow UI over `home`, on port 5000 if that is free, and return when it answers.

    On any `host` but the loopback address, anybody who can reach it can read and change everything.

    Raises:
        InputError: nothing was run in this home, its database is damaged, or `port` is taken.
        HarnessError: the server did not start.
    """
    if not home_database(home).is_file():
        raise HomeError(
            f"expected an MLflow database in the home {home}, found none: no study was run there; "
            "run one first, or choose another home with --home or HARNESS_HOME"
        )
    check_intact(default_tracking_uri(home))
    port = _free_port(host) if port is None else _expect_free(host, port)
    log = home / "mlflow_ui.log"
    process = _start(home, host, port, log)
    server = UiServer(process, f"http://{_reachable(host)}:{port}")
    try:
        _expect_answer(process, server.url, log)
    except BaseException:
        server.stop()
        raise
    return server


def is_private(host: str) -> bool:
    """Return whether only this machine can reach `host`."""
    return host == "localhost" or host == "::1" or host.startswith("127.")


def _reachable(host: str) -> str:
    """Return `host` as part of an address that can be opened on this machine."""
    name = LOOPBACK if host == "0.0.0.0" else "::1" if host == "::" else host
    return f"[{name}]" if ":" in name else name


def _free_port(host: str) -> int:
    for port in (USUAL_PORT, 0):
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


def _start(home: Path, host: str, port: int, log: Path) -> "subprocess.Popen[bytes]":
    # -P: a file mlflow.py in the working folder must not pass for MLflow.
    command = [sys.executable, "-P", "-m", "mlflow", "server"]
    command += ["--host", host, "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", default_tracking_uri(home)]
    command += ["--artifacts-destination", artifacts_beside(home_database(home)).as_uri()]
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            cwd=home,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # its own process group: all of it, and nothing else, can be ended
        )


def _environment() -> dict[str, str]:
    """Return the environment without settings and passwords of other servers; all but the UI is switched off."""
    inherited = {name: value for name, value in os.environ.items() if not name.lstrip("_").startswith(CLIENT_VARIABLES)}
    return inherited | {
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }


def _expect_answer(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError):
            fetch(f"{url}/health")
            return
        time.sleep(POLL_S)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    raise HarnessError(f"expected the MLflow UI at {url}, but it did not start; {log} ends with:\n{tail}")
