"""MLflow's client, without telemetry and output: the one module that imports MLflow."""

import logging
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import final

# MLflow reads these while it is imported.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
# The default is 7 retries of 2 minutes for a server that is down; a projector retries by itself.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")

from google.protobuf import json_format
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from harness.tracking.content import entry
from harness.tracking.content.points import Point
from harness.tracking.mlflow._base import CONTEXT, CONTEXT_TAG, AbstractConnection, FoundExperiment, FoundRun
from harness.tracking.mlflow.location import sqlite_uri

__all__ = ["ClientConnection", "MlflowClient", "MlflowException", "Run", "create_database"]

RUNS_A_CALL = 500
NO_ANSWER = (json_format.Error, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)  # of MLflow's

logging.getLogger("urllib3").setLevel(logging.ERROR)  # its warnings quote what servers say


@final
class ClientConnection(AbstractConnection):
    """Calls MLflow's own client: of servers, and of databases of which `rows` does not know the tables."""

    errors = (MlflowException, SQLAlchemyError, OSError, *NO_ANSWER)

    def __init__(self, tracking_uri: str) -> None:
        self._client = MlflowClient(tracking_uri=tracking_uri)

    def get_experiment_by_name(self, name: str) -> FoundExperiment | None:
        """Return an experiment, deleted or not."""
        found = self._client.get_experiment_by_name(name)
        if found is None:
            return None
        return FoundExperiment(str(found.experiment_id), found.lifecycle_stage == "deleted", found.tags)

    def create_experiment(self, name: str, artifacts: str | None, tags: Mapping[str, str]) -> str:
        """Create an experiment, and return its id."""
        return str(self._client.create_experiment(name, artifacts, dict(tags)))

    def restore_experiment(self, experiment: str) -> None:
        """Take back that an experiment was deleted, with all its runs."""
        self._client.restore_experiment(experiment)

    def set_experiment_tag(self, experiment: str, key: str, text: str) -> None:
        """Set a tag of an experiment."""
        self._client.set_experiment_tag(experiment, key, text)

    def search_runs(self, experiment: str, tags: Mapping[str, str]) -> Iterator[FoundRun]:
        """Yield the runs of an experiment that are not deleted and have `tags`, however many."""
        wanted, token = " AND ".join(f"tags.{key} = '{text}'" for key, text in tags.items()), None
        while True:
            page = self._client.search_runs([experiment], wanted, max_results=RUNS_A_CALL, page_token=token)
            yield from map(_found, page)
            token = page.token
            if not token:
                return

    def create_run(self, experiment: str, start_ms: int, tags: Mapping[str, str], name: str) -> FoundRun:
        """Create a run that goes on."""
        return _found(self._client.create_run(experiment, start_time=start_ms, tags=dict(tags), run_name=name))

    def delete_run(self, run: str) -> None:
        """Delete a run."""
        self._client.delete_run(run)

    def get_metric_history(self, run: str, key: str) -> list[tuple[int, float]]:
        """Return steps and values of a metric."""
        return [(point.step, point.value) for point in self._client.get_metric_history(run, key)]

    def log_batch(
        self, run: str, points: Sequence[tuple[Point, int]], params: Mapping[str, str], tags: Mapping[str, str]
    ) -> None:
        """Write points, params and tags."""
        metrics = [Metric(point.key, point.value, ms, point.step) for point, ms in points]
        texts = [Param(*param) for param in params.items()]
        self._client.log_batch(run, metrics=metrics, params=texts, tags=[RunTag(*tag) for tag in tags.items()])

    def log_inputs(self, run: str, datasets: Sequence[entry.Dataset]) -> None:
        """Name the data that a run was trained on."""
        self._client.log_inputs(run, datasets=list(map(_input, datasets)))

    def log_file(self, run: str, name: str, content: bytes) -> None:
        """Write a file of a run."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(content)
            self._client.log_artifact(run, str(path))

    def delete_tag(self, run: str, key: str) -> None:
        """Delete a tag that a run has."""
        self._client.delete_tag(run, key)

    def update_run(self, run: str, *, status: str | None = None, name: str | None = None) -> None:
        """Set the status of a run that goes on, or its name."""
        self._client.update_run(run, status=status, name=name)

    def set_terminated(self, run: str, status: str, end_ms: int | None = None) -> None:
        """End a run, now unless it ended at `end_ms`."""
        self._client.set_terminated(run, status, end_ms)


def create_database(file: Path) -> None:
    """Create a SQLite database with MLflow's tables."""
    MlflowClient(tracking_uri=sqlite_uri(file)).search_experiments(max_results=1)


def _found(run: Run) -> FoundRun:
    return FoundRun(
        id=str(run.info.run_id),
        name=str(run.info.run_name),
        start_ms=int(run.info.start_time),
        status=str(run.info.status),
        tags=run.data.tags,
        params=run.data.params,
        latest=run.data.metrics,
        has_inputs=bool(run.inputs and run.inputs.dataset_inputs),
    )


def _input(data: entry.Dataset) -> DatasetInput:
    source = Dataset(name=data.name, digest=data.digest, source_type="harness", source=data.spec)
    return DatasetInput(source, [InputTag(CONTEXT_TAG, CONTEXT)])
