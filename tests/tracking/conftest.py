"""One MLflow database and one server for all tests: each takes seconds. Every test has a study of its own there."""

import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.staging.study_spec import StudySpec
from harness.tracking.mlflow.client import MlflowClient, Run
from harness.tracking.mlflow.database import open_connection
from harness.tracking.mlflow.location import default_tracking_uri
from harness.tracking.mlflow.rows import RowConnection
from harness.tracking.mlflow.tracker import MlflowTracker
from harness.tracking.mlflow.ui import start_ui
from harness.tracking.ui_server import UiServer

SPEC: dict[str, Any] = {
    "title": "Should old layers stay frozen?",
    "question": "Is it better to freeze what is known?",
    "space": {"width": {"kind": "choice", "field": "growths.0.width", "options": [16, 32]}},
    "arms": {"frozen": {"freeze": "all"}, "unfrozen": {}},
    "comparison": ["unfrozen", "frozen"],
    "metric": "accuracy/all",
}
RUN = RunRecord(
    study="",
    trial=7,
    arm="unfrozen",
    seed=2,
    run_id="0123abcd",
    params={"width": 16},
    config={
        "task": {"kind": "digits"},
        "lr": 0.001,
        "clip_norm": None,
        "growths": [{"width": 16, "kind": "widen"}],
        "layers": [64, 32],
    },
    status="completed",
    growths=({"step": 20, "parameters_added": 1234},),
    metrics={"test/accuracy/all": 0.875, "cost/seconds": 12.5},
)


@pytest.fixture
def study(request: pytest.FixtureRequest) -> StudyRecord:
    """A study that is named after the test."""
    name = re.sub(r"\W", "-", request.node.name)
    return StudyRecord(name, StudySpec({**SPEC, "name": name}), trials=8, seeds=3)


@pytest.fixture
def make_run(study: StudyRecord) -> Callable[..., RunRecord]:
    """Make a run of the study, some of its fields changed."""
    return lambda **changes: replace(RUN, study=study.name, **changes)


@pytest.fixture
def run(make_run: Callable[..., RunRecord]) -> RunRecord:
    """A run of the study that completed."""
    return make_run()


@pytest.fixture
def history() -> History:
    """Forty steps with a growth after twenty, before and after which the network is evaluated."""
    history = History()
    for step in range(1, 41):
        history.record(step, {"train/loss/total": 1 / step})
        if step % 10 == 0:
            history.record(step, {"val/accuracy/all": step / 100})
        if step == 20:
            history.record(step, {"val/accuracy/all": 0.25})
    return history


@pytest.fixture
def port() -> int:
    """A port of this machine that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a name that URIs must quote."""
    return tmp_path_factory.mktemp("a höme")


@pytest.fixture(scope="session")
def tracker(home: Path, new_database: Callable[[Path], str]) -> MlflowTracker:
    """The tracker that writes into the home, every point."""
    return MlflowTracker(new_database(home), points="all")


@pytest.fixture(scope="session")
def client(home: Path, tracker: MlflowTracker) -> MlflowClient:  # noqa: ARG001  # the tracker makes the database
    """A client that reads what the tracker wrote."""
    return MlflowClient(default_tracking_uri(home))


@pytest.fixture(scope="session")
def rows(home: Path, tracker: MlflowTracker) -> RowConnection:  # noqa: ARG001  # the tracker makes the database
    """A connection to the rows of the same database."""
    connection = open_connection(default_tracking_uri(home))
    assert isinstance(connection, RowConnection)
    return connection


@pytest.fixture
def read_back(client: MlflowClient, study: StudyRecord) -> Callable[[], tuple[Run, list[Run]]]:
    """Read the study's parent run and its children."""

    def read() -> tuple[Run, list[Run]]:
        experiment = client.get_experiment_by_name(study.name)
        assert experiment is not None
        runs = client.search_runs([experiment.experiment_id])
        (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
        children = [run for run in runs if run is not parent]
        assert all(run.data.tags["mlflow.parentRunId"] == parent.info.run_id for run in children)
        return parent, sorted(children, key=lambda run: str(run.info.run_name))

    return read


@pytest.fixture(scope="session")
def password() -> str:
    """A word that is nowhere else."""
    return "c4n4ry-0f-a-p4ssw0rd"


@pytest.fixture(scope="session")
def server(home: Path, tracker: MlflowTracker, password: str) -> Iterator[UiServer]:  # noqa: ARG001  # it makes the database
    """An MLflow server over the home, started by a process that knows passwords of other servers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_TRACKING_URI", f"http://ada:{password}@elsewhere")
        patch.setenv("HARNESS_STORAGE", f"postgresql://ada:{password}@elsewhere/name")
        patch.setenv("MLFLOW_TRACKING_PASSWORD", password)
        started = start_ui(home)
    with started:
        yield started
