"""Whole processes, real servers, and their deaths."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from harness.staging.histories import run_history
from harness.staging.ledger import Ledger
from harness.staging.workspace import Workspace
from harness.tracking import Place
from harness.tracking.content.keys import metric_keys
from harness.tracking.delivery.destination import parse_destination
from harness.tracking.delivery.lock import delivery_lock
from harness.tracking.delivery.process import Delivery
from harness.tracking.delivery.projector import Projector
from harness.tracking.delivery.undelivered import Undelivered
from harness.tracking.mlflow.client import MlflowClient
from harness.tracking.mlflow.ui import start_ui
from tests.tracking.readers import READERS, as_shown

PRODUCER = Path(__file__).with_name("producer.py")
NewDatabase = Callable[[Path], str]


def produce(home: Path, uri: str, pause_s: float = 0.1) -> "subprocess.Popen[bytes]":
    """Start the study, and return when it has begun."""
    command = [sys.executable, str(PRODUCER), str(home), uri, str(pause_s)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    return process


def produced(home: Path, uri: str) -> str:
    """Do the study to its end, and return its output."""
    out, err = produce(home, uri).communicate(timeout=120)
    assert err == b""
    return out.decode()


def synced(home: Path, uri: str) -> Undelivered:
    destination, workspace = replace(parse_destination(uri, home), points="all"), Workspace(home)
    with delivery_lock(home, "study", destination.uri, timeout_s=60):
        return Projector(workspace, "study", lambda: destination.open_tracker(workspace.stages), points="all").finish()


def in_ledger(home: Path) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """Return the points that the ledger has, by run and key."""
    points = {}
    for run in Ledger(home).runs("study"):
        history = run_history(home / "store", run.stages)
        keys = metric_keys(history)
        points[f"trial {run.trial} · a · seed 0"] = {
            keys[name]: sorted(zip(history[name].steps, history[name].values, strict=True)) for name in history
        }
    return points


def in_mlflow(uri: str) -> tuple[dict[str, dict[str, list[tuple[int, float]]]], Counter[str], dict[str, float]]:
    """Return the points that MLflow has, the statuses of all runs, and the last values of one."""
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("study")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    points = {
        str(run.info.run_name): {
            key: sorted((point.step, point.value) for point in client.get_metric_history(run.info.run_id, key))
            for key in run.data.metrics
            if not key.startswith(("final/", "system/"))
        }
        for run in runs
        if "arm" in run.data.tags
    }
    last = next(run.data.metrics for run in runs if run.info.run_name == "trial 2 · a · seed 0")
    return points, Counter(str(run.info.status) for run in runs), last


def assert_equal_to_the_ledger(home: Path, uri: str) -> None:
    points, statuses, last = in_mlflow(uri)
    assert points == in_ledger(home)
    assert len(points) == 3
    assert statuses == {"FINISHED": 4}
    assert last["train/loss/total"] == 2 + 250 / 7
    assert last["grad_norm/total"] == 1 / 250


@pytest.mark.slow
def test_a_study_is_shown_while_it_goes_on(tmp_path: Path, new_database: NewDatabase) -> None:
    uri = new_database(tmp_path)

    output = produced(tmp_path, uri)

    assert output.strip() == str(Undelivered())
    assert_equal_to_the_ledger(tmp_path, uri)
    assert not list((tmp_path / "live" / "study").glob("*.live"))


@pytest.mark.slow
@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=pytest.mark.campaign)])
def test_kills_lose_nothing_and_repeat_nothing(tmp_path: Path, new_database: NewDatabase, kills: int) -> None:
    uri, chance = new_database(tmp_path), random.Random(0)

    for kill in range(kills):
        process = produce(tmp_path, uri, pause_s=0.3)
        time.sleep(chance.uniform(0.2, 4.0))
        delivering = psutil.Process(process.pid).children()
        os.kill(process.pid, signal.SIGKILL)
        if kill % 2:
            for child in delivering:
                child.kill()
        process.communicate()
        if kill == kills // 2:  # a study that is never taken up again has no run that claims to be running
            assert not synced(tmp_path, uri)
            assert not in_mlflow_statuses(uri) & {"RUNNING"}
    produced(tmp_path, "-")

    assert not synced(tmp_path, uri)
    assert_equal_to_the_ledger(tmp_path, uri)


@pytest.mark.campaign
def test_kills_lose_nothing_and_repeat_nothing_in_any_tracker_that_writes_files(tmp_path: Path) -> None:
    kinds, chance = ("csv", "tensorboard", "wandb"), random.Random(0)
    for kill in range(6):
        process = produce(tmp_path, "+".join(kinds), pause_s=0.3)
        time.sleep(chance.uniform(0.2, 4.0))
        delivering = psutil.Process(process.pid).children()
        os.kill(process.pid, signal.SIGKILL)
        if kill % 2:
            for child in delivering:
                child.kill()
        process.communicate()

    output = produced(tmp_path, "+".join(kinds))

    assert output.strip() == str(Undelivered())
    for kind in kinds:
        shown = READERS[kind](Place(str(tmp_path / kind)), "study")
        curves = {
            name: {key: points for key, points in run.points.items() if not key.startswith("system/")}
            for name, run in shown.items()
        }
        assert curves == {
            name: {key: [(step, as_shown(kind, value)) for step, value in points] for key, points in run.items()}
            for name, run in in_ledger(tmp_path).items()
        }


def in_mlflow_statuses(uri: str) -> set[str]:
    client = MlflowClient(tracking_uri=uri)
    return {str(run.info.status) for run in client.search_runs(["1"])}


@pytest.mark.campaign
def test_a_server_that_is_killed_and_comes_back_gets_everything(
    tmp_path: Path, new_database: NewDatabase, port: int
) -> None:
    served, home = tmp_path / "server", tmp_path / "home"
    new_database(served)
    uri = f"http://127.0.0.1:{port}"
    with start_ui(served, port) as server:
        process = produce(home, uri, pause_s=0.6)
        wait_for_points(uri)
        os.killpg(server._process.pid, signal.SIGKILL)
    time.sleep(2)

    with start_ui(served, port):
        out, _ = process.communicate(timeout=120)
        shown = out.decode().strip()
        in_between = in_mlflow(uri)
        left = synced(home, uri)

        assert (shown, left) == (str(Undelivered()), Undelivered())
        assert in_mlflow(uri) == in_between
        assert_equal_to_the_ledger(home, uri)
        # Also of runs that came and went while the server was away.
        runs = MlflowClient(tracking_uri=uri).search_runs(["1"], "tags.arm = 'a'")
        assert all(run.data.metrics["system/memory_bytes"] > 1e7 for run in runs)


def wait_for_points(uri: str) -> None:
    """Return when a run is shown that goes on and has points, but not all of them."""
    client = MlflowClient(tracking_uri=uri)
    for _ in range(600):
        runs = client.search_runs(["1"], "tags.arm = 'a'") if client.get_experiment_by_name("study") else []
        if any(run.info.status == "RUNNING" and run.data.metrics for run in runs):
            return
        time.sleep(0.1)
    raise AssertionError("no run was shown while it went on")


def test_who_does_not_end_in_time_is_ended(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], stdin=-1, stdout=-1) as process:
        left = Delivery(process, tmp_path / "log").finish(limit_s=0.1)

        assert process.wait() == -signal.SIGKILL
    assert left == Undelivered(reason="not within 0.1 s")


@pytest.mark.parametrize("program", ["", "raise SystemExit(1)", "print('[]')", "print('nothing of the kind')"])
def test_who_delivers_and_fails_is_reported_with_its_log(tmp_path: Path, program: str) -> None:
    with subprocess.Popen([sys.executable, "-c", program], stdin=-1, stdout=-1) as process:
        delivery = Delivery(process, tmp_path / "log")

        assert f"has failed, see {tmp_path / 'log'}" in delivery.finish().reason
        assert delivery.finish() == delivery.finish()


class Broken(BaseHTTPRequestHandler):
    def _fail(self) -> None:
        self.send_response(500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = do_PATCH = do_PUT = _fail  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        pass


class Hanging(Broken):
    """Takes a request, and never answers it."""

    closing: threading.Event

    def _hang(self) -> None:
        self.closing.wait()
        self.close_connection = True

    do_GET = do_POST = do_PATCH = do_PUT = _hang  # noqa: N815


@contextmanager
def hanging_server() -> Iterator[str]:
    closing = threading.Event()
    with broken_server(type("Handler", (Hanging,), {"closing": closing})) as uri:
        yield uri
        closing.set()


@contextmanager
def broken_server(handler: type[BaseHTTPRequestHandler] = Broken) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.slow
@pytest.mark.parametrize(
    "broken", [("hanging",), pytest.param(("failing", "hanging", "down"), marks=pytest.mark.campaign)]
)
def test_a_server_that_fails_hangs_or_is_down_costs_only_delay_and_what_is_left_is_counted(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch, broken: tuple[str, ...]
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "3")
    with broken_server() as failing, hanging_server() as hanging:
        servers = {"failing": failing, "hanging": hanging, "down": f"http://127.0.0.1:{port}"}
        uris = {name: servers[name] for name in broken}
        started = {name: produce(tmp_path / name, uri) for name, uri in uris.items()}  # both are patient for seconds
        trained = seconds_until_all_have_ended([tmp_path / name for name in uris])
        outputs = {name: process.communicate(timeout=120) for name, process in started.items()}

    assert trained < 15  # of which the runs take 3: none waits for an answer, though there are dozens to wait for
    for name, uri in uris.items():
        expected = sum(len(points) for run in in_ledger(tmp_path / name).values() for points in run.values())
        assert f"3 runs, {expected + 3 * 2} points (" in outputs[name][0].decode()
        assert uri in outputs[name][0].decode()
        assert outputs[name][1] == b""


def seconds_until_all_have_ended(homes: list[Path]) -> float:
    began = time.monotonic()
    while any(len(Ledger(home).runs("study")) < 3 for home in homes) and time.monotonic() < began + 60:
        time.sleep(0.1)
    return time.monotonic() - began
