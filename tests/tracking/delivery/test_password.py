"""A password for the tracking server is known to nobody but that server."""

import base64
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import psycopg
import pytest

import harness
from harness.benchmarks.postgres_server import postgres_server

ROOT = Path(harness.__file__).parents[1]
UNDRAWN = str(ROOT / "tests" / "undrawn.py")
STUDY = """
from harness.data import Digits
from harness.growth import AtStep, AttachHead, GrowthRule, NoFreezing
from harness.models import MLP
from harness.search.space import Int
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig


def study() -> Study:
    head = AttachHead(name="late", outputs=4, tap="hidden.0")
    return Study(
        name="tiny",
        title="A tiny study",
        question="Who knows the password?",
        base=RunConfig(
            task=Digits(classes={"known": (0, 1, 2, 3, 4, 5), "late": (6, 7, 8, 9)}),
            model=MLP(inputs=64, widths=(8,)),
            training=TrainingConfig(evaluate_every=20),
            growths=(GrowthRule(trigger=AtStep(step=20), operation=head, freeze=NoFreezing()),),
            steps=40,
        ),
        space={"when": Int(field="growths.0.trigger.step", low=10, high=30, step=10)},
        arms={"slow": {"training.optimizer.lr": 1e-4}, "diverging": {"training.optimizer.lr": 1e30}},
        comparison=("slow", "diverging"),
        trials=1,
        seeds=1,
    )
"""


class Refusing(BaseHTTPRequestHandler):
    """Lets nobody in, and remembers with which words they came."""

    heard: set[str]

    def _refuse(self) -> None:
        self.heard.add(self.headers.get("Authorization", ""))
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = do_PATCH = do_PUT = _refuse  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def refusing_server() -> Iterator[tuple[str, set[str]]]:
    heard = set[str]()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Refusing,), {"heard": heard}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def called(folder: Path, *arguments: str) -> tuple[int, str, set[str]]:
    """Call `harness`; return its exit code, its output, and the argument lists of all processes that it started."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("HARNESS_", "MLFLOW_"))}
    environment = own | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command, lists = [sys.executable, UNDRAWN, *arguments], set[str]()
    with (folder / "output").open("w+") as output:
        process = psutil.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
        while process.poll() is None:
            for child in process.children(recursive=True):
                with suppress(psutil.Error):  # it has just ended
                    lists.add(" ".join(child.cmdline()))
            time.sleep(0.05)
        output.seek(0)
        # Just after a fork, a child still has the list that the user typed.
        return process.returncode, output.read(), lists - {" ".join(command)}


@pytest.mark.slow
def test_a_password_is_in_no_output_log_database_report_or_argument_list(tmp_path: Path, password: str) -> None:
    write_study(tmp_path, "tiny", STUDY)
    with refusing_server() as (address, heard):
        uri = ("--tracking-uri", f"http://ada:{password}@{address}")
        code, output, argument_lists = called(tmp_path, "run", "tiny", "--workers", "2", "--system-metrics", *uri)

    assert code == 0, output
    assert "Not shown by MLflow yet: 2 runs" in output
    assert heard == {basic_authorization("ada", password)}  # so it was used at all
    assert any("harness.tracking.delivery.follow" in line for line in argument_lists)
    assert any("spawn_main" in line for line in argument_lists)
    assert [text for text in (output, *argument_lists) if password in text] == []
    assert {"ledger.sqlite", "delivery.log", "report.html"} <= {path.name for path in tmp_path.rglob("*")}
    assert files_with(password, tmp_path) == []


@pytest.mark.campaign
def test_a_password_is_in_no_traceback_and_no_message_of_sync(tmp_path: Path, password: str) -> None:
    write_study(tmp_path, "tiny", STUDY)
    write_study(tmp_path, "crashing", "def study():\n    raise ZeroDivisionError('a mistake of the study')\n")
    with refusing_server() as (address, heard):
        uri = ("--tracking-uri", f"http://ada:{password}@{address}")
        _, crashed, _ = called(tmp_path, "run", "crashing", *uri)
        called(tmp_path, "run", "tiny", "--no-tracking")
        refused, synced, _ = called(tmp_path, "sync", "tiny", *uri)

    assert refused == 1
    assert "a mistake of the study" in crashed
    assert "of tiny were not delivered" in synced
    assert heard == {basic_authorization("ada", password)}
    assert [text for text in (crashed, synced) if password in text] == []
    assert files_with(password, tmp_path) == []


def write_study(folder: Path, name: str, source: str) -> None:
    (folder / "studies" / name).mkdir(parents=True)
    (folder / "studies" / name / "study.py").write_text(source)


def basic_authorization(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def files_with(text: str, folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


@pytest.mark.campaign
@pytest.mark.postgres
def test_a_password_of_the_database_is_in_no_output_file_argument_list_or_table(tmp_path: Path, password: str) -> None:
    write_study(tmp_path, "tiny", STUDY)
    with postgres_server(durable=False) as server:
        assert server
        storage = ("--storage", server.url.replace("harness@", f"harness:{password}@"))
        code, output, argument_lists = called(tmp_path, "run", "tiny", "--workers", "2", *storage)
        others = [
            called(tmp_path, *command, *storage) for command in (["worker", "tiny"], ["cache", "verify"], ["list"])
        ]
        held = tables_with(password, server.url)
        server.stop()
        away = [called(tmp_path, *command, *storage) for command in (["run", "tiny"], ["worker", "tiny"], ["sync"])]
        server.start()

    assert (code, [other[0] for other in others], [one[0] for one in away]) == (0, [0] * 3, [2] * 3), output
    said = [output, *argument_lists, *(text for _, text, lists in (*others, *away) for text in (text, *lists))]
    assert [text for text in said if password in text] == []
    assert (files_with(password, tmp_path), held) == ([], [])


def tables_with(text: str, url: str) -> list[str]:
    """Return the tables of a database on a server that hold `text` anywhere."""
    found = "SELECT table_schema || '.' || table_name FROM information_schema.tables WHERE table_schema <> ALL(%s)"
    with psycopg.connect(url) as connection:
        tables = [table for (table,) in connection.execute(found, [["pg_catalog", "information_schema"]]).fetchall()]
        assert {"harness_ledger.runs", "public.trials"} <= set(tables)
        queries = {table: f"SELECT 1 FROM {table} AS row WHERE row::text LIKE %s" for table in tables}
        return [table for table, query in queries.items() if connection.execute(query, [f"%{text}%"]).fetchall()]


@pytest.mark.campaign
def test_a_password_is_for_the_server_alone(
    tmp_path: Path, new_database: Callable[[Path], str], port: int, password: str
) -> None:
    home, served = tmp_path / "home", tmp_path / "served"
    home.mkdir()
    (home / "study.py").write_text(STUDY)
    new_database(served)
    with basic_auth_server(served, port, password) as address:
        wrong, right = [
            called(home, command, name, "--tracking-uri", f"http://admin:{tried}@{address}")
            for command, name, tried in (("run", "study.py", f"wrong-{password}"), ("sync", "tiny", password))
        ]

    assert (wrong[0], right[0]) == (0, 0)
    assert "Not shown by MLflow yet: 2 runs" in wrong[1]
    assert "MLflow shows all that is known, 2 runs" in right[1]
    assert password not in wrong[1] + right[1]
    for path in (*home.rglob("*"), *(served / "mlartifacts").rglob("*"), served / "mlflow.sqlite"):
        assert not path.is_file() or password.encode() not in path.read_bytes(), path
    # What the server's own log repeats of requests.
    assert password not in (served / "log").read_text()


@contextmanager
def basic_auth_server(folder: Path, port: int, password: str) -> Iterator[str]:
    pytest.importorskip("flask_wtf")
    (folder / "auth.ini").write_text(
        "[mlflow]\ndefault_permission = READ\nadmin_username = admin\n"
        f"database_uri = sqlite:///{folder}/auth.db\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    environment = os.environ | {
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
        "MLFLOW_AUTH_ADMIN_USERNAME": "admin",
        "MLFLOW_AUTH_ADMIN_PASSWORD": password,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "secret",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    command = [sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth", "--workers", "1"]
    command += ["--port", str(port), "--backend-store-uri", f"sqlite:///{folder}/mlflow.sqlite"]
    command += ["--artifacts-destination", str(folder / "mlartifacts")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.1)
        yield f"127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
