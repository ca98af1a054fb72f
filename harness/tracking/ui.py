"""The MLflow UI over a home, as a child process that only this machine can reach."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, final
from urllib.error import HTTPError

from harness.core.errors import HarnessError, HomeError, InputError, StudyNotFoundError
from harness.tracking.location import artifacts_beside, default_tracking_uri, home_database
from harness.tracking.views import RUNS_VIEW

__all__ = ["UiServer", "start_ui"]

HOST = "127.0.0.1"  # MLflow asks nobody for a password
USUAL_PORT = 5000
START_LIMIT_S = 60.0
STOP_LIMIT_S = 10.0


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

    def link(self, study: str) -> str:
        """Return the address of the study's runs.

        Raises:
            StudyNotFoundError: the study is not in this MLflow database.
        """
        name = urllib.parse.quote(study)
        try:
            answer = _get(f"{self.url}/ajax-api/2.0/mlflow/experiments/get-by-name?experiment_name={name}")
        except HTTPError as error:
            error.close()
            raise StudyNotFoundError(f"MLflow shows no study {study!r} yet; run it, or sync it, first") from None
        experiment = json.loads(answer)["experiment"]["experiment_id"]
        view = f"workflowType=machine_learning&viewStateShareKey={RUNS_VIEW}"
        return f"{self.url}/#/experiments/{experiment}/runs?{view}"

    def wait(self) -> None:
        """Return when the server has ended, which by itself it does only if something is wrong."""
        self._process.wait()

    def stop(self) -> None:
        """End the server and its workers, by force if they take too long."""
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_LIMIT_S)
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def start_ui(home: Path, port: int | None = None) -> UiServer:
    """Start the MLflow UI over `home`, on port 5000 if that is free, and return when it answers.

    Raises:
        InputError: nothing was run in this home, or `port` is taken.
        HarnessError: the server did not start.
    """
    if not home_database(home).is_file():
        raise HomeError(
            f"expected an MLflow database in the home {home}, found none: no study was run there; "
            "run one first, or choose another home with --home or HARNESS_HOME"
        )
    port = _free_port() if port is None else _expect_free(port)
    log = home / "mlflow_ui.log"
    process = _start(home, port, log)
    server = UiServer(process, f"http://{HOST}:{port}")
    try:
        _expect_answer(process, server.url, log)
    except BaseException:
        server.stop()
        raise
    return server


def _free_port() -> int:
    for port in (USUAL_PORT, 0):
        with suppress(OSError), _bound(port) as found:
            return int(found.getsockname()[1])
    raise HarnessError("expected a free port on this machine, found none")


def _expect_free(port: int) -> int:
    try:
        _bound(port).close()
    except (OSError, OverflowError) as error:
        raise InputError(f"port {port} cannot be used ({error}); choose another, or none for a free one") from None
    return port


def _bound(port: int) -> socket.socket:
    # As the server will: with SO_REUSEADDR, a port that was closed a moment ago counts as free.
    return socket.create_server((HOST, port))


def _start(home: Path, port: int, log: Path) -> "subprocess.Popen[bytes]":
    # -P: a file mlflow.py in the working folder must not pass for MLflow.
    command = [
        sys.executable,
        "-P",
        "-m",
        "mlflow",
        "server",
        "--host",
        HOST,
        "--port",
        str(port),
        "--workers",
        "1",
    ]
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
    """Return the environment without settings for other MLflow servers, and with nothing on but the UI."""
    inherited = {name: value for name, value in os.environ.items() if not name.lstrip("_").startswith("MLFLOW_")}
    return inherited | {
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }


def _expect_answer(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    limit = time.monotonic() + START_LIMIT_S
    while process.poll() is None and time.monotonic() < limit:
        with suppress(OSError):
            _get(f"{url}/health")
            return
        time.sleep(0.1)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    raise HarnessError(f"expected the MLflow UI at {url}, but it did not start; {log} ends with:\n{tail}")


def _get(url: str) -> bytes:
    # Without proxies: one in the environment would be asked for this machine's own address.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=30) as answer:
        return bytes(answer.read())
