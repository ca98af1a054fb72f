import os
import socket
import sqlite3
import urllib.request
from contextlib import closing
from pathlib import Path
from urllib.error import HTTPError

import psutil
import pytest

from harness.core.errors import HarnessError, HomeError, InputError
from harness.tracking.mlflow.pages import fetch
from harness.tracking.mlflow.tracker import MlflowTracker
from harness.tracking.mlflow.ui import start_ui
from harness.tracking.ui_server import UiServer


def test_the_ui_executes_no_jobs_and_knows_no_other_host(server: UiServer) -> None:
    request = urllib.request.Request(
        f"{server.url}/ajax-api/2.0/mlflow/experiments/get-by-name", headers={"Host": "elsewhere.example"}
    )

    with pytest.raises(HTTPError) as refused:
        urllib.request.urlopen(request)
    refused.value.close()

    assert refused.value.code == 403
    environment = Path(f"/proc/{server._process.pid}/environ").read_text().split("\0")
    assert "MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false" in environment


def test_the_server_of_the_ui_inherits_no_password(server: UiServer, password: str) -> None:
    process = psutil.Process(server._process.pid)
    family = [process, *process.children(recursive=True)]

    known = [str(each.environ()) + " ".join(each.cmdline()) for each in family]

    assert len(known) > 1
    assert [text for text in known if password in text] == []


def test_a_server_for_everybody_answers_here_too_until_it_is_stopped(
    home: Path,
    tracker: MlflowTracker,  # noqa: ARG001
    port: int,
) -> None:
    server = start_ui(home, port, "0.0.0.0")
    answer = fetch(f"{server.url}/health")

    server.stop()

    assert server.url == f"http://127.0.0.1:{port}"
    assert answer == b"OK"
    with pytest.raises(ProcessLookupError):
        os.killpg(server._process.pid, 0)
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{server.url}/health")


def test_a_home_without_runs_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run one first"):
        start_ui(tmp_path)


def test_a_port_that_is_taken_is_refused(home: Path, tracker: MlflowTracker) -> None:  # noqa: ARG001
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(InputError, match="choose another"):
        start_ui(home, port=taken.getsockname()[1])


def test_a_server_that_does_not_start_shows_its_log(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "mlflow.sqlite")) as database:
        database.executescript(
            "CREATE TABLE alembic_version (version_num); INSERT INTO alembic_version VALUES ('of later')"
        )

    with pytest.raises(HarnessError, match="later"):
        start_ui(tmp_path)


def test_a_damaged_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mlflow.sqlite").write_text("not a database, and long enough to be looked at by SQLite")

    with pytest.raises(HomeError, match="harness sync"):
        start_ui(tmp_path)


def test_a_host_that_is_not_this_machine_is_refused(home: Path, tracker: MlflowTracker) -> None:  # noqa: ARG001
    with pytest.raises(InputError, match="choose another --host"):
        start_ui(home, host="192.0.2.1")
