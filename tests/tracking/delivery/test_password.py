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
import pytest

import harness
from harness.tracking.mlflow.tracker import MlflowTracker
from harness.tracking.mlflow.ui import start_ui

CANARY = "c4n4ry-0f-a-p4ssw0rd"
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
CRASHING = "def study():\n    raise ZeroDivisionError('a mistake of the study')\n"


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
    """Call `harness`; return how it ended, what it said, and the argument lists of all processes that it started."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("HARNESS_", "MLFLOW_"))}
    environment = own | {"PYTHONPATH": str(Path(harness.__file__).parents[1]), "OMP_NUM_THREADS": "1"}
    command, lists = [sys.executable, "-m", "harness", *arguments], set[str]()
    with (folder / "said").open("w+") as said:
        process = psutil.Popen(command, cwd=folder, env=environment, stdout=said, stderr=said)
        while process.poll() is None:
            for child in process.children(recursive=True):
                with suppress(psutil.Error):  # it has just ended
                    lists.add(" ".join(child.cmdline()))
            time.sleep(0.02)
        said.seek(0)
        # Just after a fork, a child still has the list that the user typed.
        return process.returncode, said.read(), lists - {" ".join(command)}


@pytest.mark.slow
def test_a_password_is_in_no_output_log_database_report_traceback_or_argument_list(tmp_path: Path) -> None:
    for name, content in {"tiny": STUDY, "crashing": CRASHING}.items():
        (tmp_path / "studies" / name).mkdir(parents=True)
        (tmp_path / "studies" / name / "study.py").write_text(content)
    with refusing_server() as (address, heard):
        uri = ("--tracking-uri", f"http://ada:{CANARY}@{address}")
        code, said, lists = called(tmp_path, "run", "tiny", "--workers", "2", "--system-metrics", *uri)
        _, crashed, _ = called(tmp_path, "run", "crashing", *uri)
        refused, synced, _ = called(tmp_path, "sync", "tiny", *uri)

    assert (code, refused) == (0, 1)
    assert "Not shown by MLflow yet: 2 runs" in said
    assert "a mistake of the study" in crashed
    assert "of tiny were not delivered" in synced
    assert heard == {"Basic " + base64.b64encode(f"ada:{CANARY}".encode()).decode()}  # so it was used at all
    assert any("harness.tracking.delivery.follow" in line for line in lists)
    assert any("spawn_main" in line for line in lists)
    assert [text for text in (said, crashed, synced, *lists) if CANARY in text] == []
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"ledger.sqlite", "delivery.log", "report.html"} <= {path.name for path in written}
    assert [path for path in written if CANARY.encode() in path.read_bytes()] == []


def test_the_server_of_the_ui_inherits_no_password(
    tmp_path: Path, new_database: Callable[[Path], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    MlflowTracker(new_database(tmp_path))
    monkeypatch.setenv("HARNESS_TRACKING_URI", f"http://ada:{CANARY}@elsewhere")
    monkeypatch.setenv("HARNESS_STORAGE", f"postgresql://ada:{CANARY}@elsewhere/name")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", CANARY)

    with start_ui(tmp_path) as server:
        process = psutil.Process(server._process.pid)
        family = [process, *process.children(recursive=True)]
        known = [str(each.environ()) + " ".join(each.cmdline()) for each in family]

    assert len(known) > 1
    assert [text for text in known if CANARY in text] == []


@pytest.mark.slow
def test_a_password_is_for_the_server_alone(tmp_path: Path, new_database: Callable[[Path], str], port: int) -> None:
    home, served = tmp_path / "home", tmp_path / "served"
    home.mkdir()
    (home / "study.py").write_text(STUDY)
    new_database(served)
    with basic_auth_server(served, port) as address:
        wrong, right = [
            called(home, command, name, "--tracking-uri", f"http://admin:{password}@{address}")
            for command, name, password in (("run", "study.py", f"wrong-{CANARY}"), ("sync", "tiny", CANARY))
        ]

    assert (wrong[0], right[0]) == (0, 0)
    assert "Not shown by MLflow yet: 2 runs" in wrong[1]
    assert "MLflow shows all that is known, 2 runs" in right[1]
    assert CANARY not in wrong[1] + right[1]
    for path in (*home.rglob("*"), *(served / "mlartifacts").rglob("*"), served / "mlflow.sqlite"):
        assert not path.is_file() or CANARY.encode() not in path.read_bytes(), path
    # What the server's own log repeats of requests.
    assert CANARY not in (served / "log").read_text()


@contextmanager
def basic_auth_server(folder: Path, port: int) -> Iterator[str]:
    pytest.importorskip("flask_wtf")
    (folder / "auth.ini").write_text(
        "[mlflow]\ndefault_permission = READ\nadmin_username = admin\n"
        f"database_uri = sqlite:///{folder}/auth.db\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    environment = os.environ | {
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
        "MLFLOW_AUTH_ADMIN_USERNAME": "admin",
        "MLFLOW_AUTH_ADMIN_PASSWORD": CANARY,
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
