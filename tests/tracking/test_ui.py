import json
import os
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.core.errors import HarnessError, InputError, StudyNotFoundError
from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking.mlflow import MlflowTracker
from harness.tracking.ui import UiServer, start_ui


@pytest.fixture(scope="module")
def server(home: Path, tracker: MlflowTracker) -> Iterator[UiServer]:  # noqa: ARG001  # it makes the database
    with start_ui(home) as server:
        yield server


def test_the_ui_links_to_a_study_that_was_projected(
    server: UiServer, tracker: MlflowTracker, study: StudyRecord
) -> None:
    tracker.begin_study(study)

    link = server.link(study.name)

    experiment = link.removeprefix(f"{server.url}/#/experiments/").partition("/")[0]
    url = f"{server.url}/ajax-api/2.0/mlflow/experiments/get?experiment_id={experiment}"
    with urllib.request.urlopen(url) as answer:
        assert json.load(answer)["experiment"]["name"] == study.name


def test_a_study_that_was_not_projected_has_no_link(server: UiServer) -> None:
    with pytest.raises(StudyNotFoundError, match="MLflow shows no study 'nothing'"):
        server.link("nothing")


@pytest.mark.browser
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Chromium")
def test_the_link_shows_the_runs_and_the_columns_that_matter(
    server: UiServer, tracker: MlflowTracker, study: StudyRecord, run: RunRecord, history: History, tmp_path: Path
) -> None:
    tracker.begin_study(study)
    tracker.project_run(run, history)

    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", "--window-size=2000,1000"]
    page = subprocess.run(
        ["chromium", *flags, "--virtual-time-budget=20000", "--dump-dom", server.link(study.name)],
        capture_output=True,
        check=True,
        text=True,
    ).stdout

    assert "trial 7 · unfrozen · seed 2" in page
    assert "width" in page
    assert "0.875" in page


def test_stopping_ends_the_server_and_frees_its_port(home: Path, tracker: MlflowTracker) -> None:  # noqa: ARG001
    server = start_ui(home, port=_unused_port())

    server.stop()

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
    (tmp_path / "mlflow.sqlite").write_text("not a database, and long enough to be looked at by SQLite")

    with pytest.raises(HarnessError, match="file is not a database"):
        start_ui(tmp_path)


def _unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
