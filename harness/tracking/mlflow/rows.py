"""MLflow's SQLite database, read and written by rows.

MLflow's own client makes an object of each point and looks up each of them, which takes more time than to train small
networks. What lies in the database afterwards is the same, row for row; a test compares both for each call.
"""

import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from harness.core.errors import HarnessError
from harness.tracking.content.entry import Dataset
from harness.tracking.content.points import Point
from harness.tracking.mlflow._base import CONTEXT, CONTEXT_TAG, AbstractConnection, FoundExperiment, FoundRun

__all__ = ["RowConnection"]

RUNS_A_CALL = 500
ACTIVE, RUNNING = "active", "RUNNING"
RUN_NAME = "mlflow.runName"
LATER = "(excluded.step, excluded.timestamp, excluded.value) > (m.step, m.timestamp, m.value)"


@final
class RowConnection(AbstractConnection):
    """Reads and writes rows.

    Args:
        connection: to a SQLite file whose tables are known (`tables.tables_are_known`); each statement commits itself.
        client: opens MLflow's own client, for what is seldom needed.
    """

    errors = (sqlite3.Error, OSError)

    def __init__(self, connection: sqlite3.Connection, client: Callable[[], AbstractConnection]) -> None:
        self._connection = connection
        self._open_client = client
        self._client: AbstractConnection | None = None

    def get_experiment_by_name(self, name: str) -> FoundExperiment | None:
        """Return an experiment, deleted or not."""
        found = self._rows(
            "SELECT experiment_id, lifecycle_stage FROM experiments WHERE name = ? AND workspace = 'default'", name
        )
        if not found:
            return None
        ((number, stage),) = found
        tags = self._rows("SELECT key, value FROM experiment_tags WHERE experiment_id = ?", number)
        return FoundExperiment(str(number), stage != ACTIVE, dict(tags))

    def create_experiment(self, name: str, artifacts: str | None, tags: Mapping[str, str]) -> str:
        """Create an experiment, and return its id."""
        if artifacts is None:
            return self._mlflow.create_experiment(name, artifacts, tags)
        with self._writing() as write:
            now = _now_ms()
            number = write.execute(
                "INSERT INTO experiments (name, artifact_location, lifecycle_stage, creation_time, last_update_time, "
                "workspace) VALUES (?, ?, ?, ?, ?, 'default')",
                (name, artifacts, ACTIVE, now, now),
            ).lastrowid
            rows = [(key, text, number) for key, text in tags.items()]
            write.executemany("INSERT INTO experiment_tags (key, value, experiment_id) VALUES (?, ?, ?)", rows)
        return str(number)

    def restore_experiment(self, experiment: str) -> None:
        """Take back that an experiment was deleted, with all its runs."""
        self._mlflow.restore_experiment(experiment)

    def set_experiment_tag(self, experiment: str, key: str, text: str) -> None:
        """Set a tag of an experiment."""
        with self._writing() as write:
            _expect(write, "experiments", "experiment_id", int(experiment))
            write.execute(
                "INSERT INTO experiment_tags (key, value, experiment_id) VALUES (?, ?, ?) "
                "ON CONFLICT (key, experiment_id) DO UPDATE SET value = excluded.value",
                (key, text, int(experiment)),
            )

    def search_runs(self, experiment: str, tags: Mapping[str, str]) -> Iterator[FoundRun]:
        """Yield the runs of an experiment that are not deleted and have `tags`, however many."""
        wanted = " AND EXISTS (SELECT 1 FROM tags AS t WHERE t.run_uuid = r.run_uuid AND t.key = ? AND t.value = ?)"
        statement = (
            "SELECT run_uuid, name, start_time, status FROM runs AS r WHERE experiment_id = ? AND lifecycle_stage = ?"
            + wanted * len(tags)
            + " ORDER BY start_time DESC, run_uuid"
        )
        texts = [text for tag in tags.items() for text in tag]
        runs = self._rows(statement, int(experiment), ACTIVE, *texts)
        for start in range(0, len(runs), RUNS_A_CALL):
            yield from self._found(runs[start : start + RUNS_A_CALL])

    def create_run(self, experiment: str, start_ms: int, tags: Mapping[str, str], name: str) -> FoundRun:
        """Create a run that goes on."""
        run = uuid.uuid4().hex
        with self._writing() as write:
            ((artifacts,),) = _expect(write, "experiments", "experiment_id", int(experiment), "artifact_location")
            write.execute(
                "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status, "
                "start_time, source_version, lifecycle_stage, artifact_uri, experiment_id) "
                "VALUES (?, ?, 'UNKNOWN', '', '', 'unknown', ?, ?, '', ?, ?, ?)",
                (run, name, RUNNING, start_ms, ACTIVE, f"{artifacts}/{run}/artifacts", int(experiment)),
            )
            _write_tags(write, run, {**tags, RUN_NAME: name})
        return FoundRun(run, name, start_ms, RUNNING, {**tags, RUN_NAME: name}, {}, {}, has_inputs=False)

    def delete_run(self, run: str) -> None:
        """Delete a run."""
        self._mlflow.delete_run(run)

    def get_metric_history(self, run: str, key: str) -> list[tuple[int, float]]:
        """Return steps and values of a metric."""
        return self._rows("SELECT step, value FROM metrics WHERE run_uuid = ? AND key = ?", run, key)

    def log_batch(
        self, run: str, points: Sequence[tuple[Point, int]], params: Mapping[str, str], tags: Mapping[str, str]
    ) -> None:
        """Write points, params and tags.

        Raises:
            HarnessError: the run was deleted, or has another value of a param.
        """
        with self._writing() as write:
            _expect(write, "runs", "run_uuid", run)
            _write_params(write, run, params)
            _write_points(write, run, points)
            _write_tags(write, run, tags)

    def log_inputs(self, run: str, datasets: Sequence[Dataset]) -> None:
        """Name the data that a run was trained on."""
        with self._writing() as write:
            ((experiment,),) = _expect(write, "runs", "run_uuid", run, "experiment_id")
            for data in datasets:
                _write_input(write, run, _dataset(write, experiment, data))

    def log_file(self, run: str, name: str, content: bytes) -> None:
        """Write a file of a run."""
        ((address,),) = self._rows("SELECT artifact_uri FROM runs WHERE run_uuid = ?", run)
        parts = urlsplit(address)
        if parts.scheme != "file" or parts.netloc:
            self._mlflow.log_file(run, name, content)
            return
        folder = Path(url2pathname(parts.path))
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f".{name}.partial"
        partial.write_bytes(content)
        partial.replace(folder / name)

    def delete_tag(self, run: str, key: str) -> None:
        """Delete a tag that a run has."""
        with self._writing() as write:
            _expect(write, "runs", "run_uuid", run)
            write.execute("DELETE FROM tags WHERE run_uuid = ? AND key = ?", (run, key))

    def update_run(self, run: str, *, status: str | None = None, name: str | None = None) -> None:
        """Set the status of a run that goes on, or its name."""
        with self._writing() as write:
            _expect(write, "runs", "run_uuid", run)
            if status:
                write.execute("UPDATE runs SET status = ? WHERE run_uuid = ?", (status, run))
            if name:
                write.execute("UPDATE runs SET name = ? WHERE run_uuid = ?", (name, run))
                _write_tags(write, run, {RUN_NAME: name})

    def set_terminated(self, run: str, status: str, end_ms: int | None = None) -> None:
        """End a run, now unless it ended at `end_ms`."""
        with self._writing() as write:
            _expect(write, "runs", "run_uuid", run)
            ended = _now_ms() if end_ms is None else end_ms
            write.execute("UPDATE runs SET status = ?, end_time = ? WHERE run_uuid = ?", (status, ended, run))

    @property
    def _mlflow(self) -> AbstractConnection:
        self._client = self._client or self._open_client()
        return self._client

    def _rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Commit at the end of the block, or undo everything if it raises."""
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection

    def _found(self, runs: Sequence[tuple[Any, ...]]) -> Iterator[FoundRun]:
        tags, params, latest = (self._by_run(table, runs) for table in ("tags", "params", "latest_metrics"))
        places = ", ".join("?" * len(runs))
        named = {
            run
            for (run,) in self._rows(
                "SELECT destination_id FROM inputs JOIN datasets ON dataset_uuid = source_id "
                f"WHERE destination_type = 'RUN' AND destination_id IN ({places})",
                *(run for run, *_ in runs),
            )
        }
        for run, name, start_ms, status in runs:
            yield FoundRun(
                run, name, start_ms, status, tags.get(run, {}), params.get(run, {}), latest.get(run, {}), run in named
            )

    def _by_run(self, table: str, runs: Sequence[tuple[Any, ...]]) -> dict[str, dict[str, Any]]:
        """Return the values in a table by run and key."""
        values: dict[str, dict[str, Any]] = {}
        places = ", ".join("?" * len(runs))
        statement = f"SELECT run_uuid, key, value FROM {table} WHERE run_uuid IN ({places})"
        for run, key, value in self._rows(statement, *(run for run, *_ in runs)):
            values.setdefault(run, {})[key] = value
        return values


def _expect(
    write: sqlite3.Connection, table: str, key: str, value: str | int, column: str = "1"
) -> list[tuple[Any, ...]]:
    """Return a column of a row, in a list.

    Raises:
        HarnessError: nothing is there, or it was deleted.
    """
    statement = f"SELECT {column} FROM {table} WHERE {key} = ? AND lifecycle_stage = ?"
    rows = write.execute(statement, (value, ACTIVE)).fetchall()
    if not rows:
        raise HarnessError(f"expected {table.removesuffix('s')} {value} in MLflow's database, found none: deleted")
    return rows


def _write_params(write: sqlite3.Connection, run: str, params: Mapping[str, str]) -> None:
    known = dict(write.execute("SELECT key, value FROM params WHERE run_uuid = ?", (run,))) if params else {}
    if others := [key for key, text in params.items() if known.get(key, text) != text]:
        raise HarnessError(f"expected the params of run {run} to stay, found other values of {', '.join(others)}")
    rows = [(key, text, run) for key, text in params.items() if key not in known]
    write.executemany("INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)", rows)


def _write_points(write: sqlite3.Connection, run: str, points: Sequence[tuple[Point, int]]) -> None:
    """Write points, and the latest of each metric, as MLflow orders them: by step, time and value."""
    latest: dict[str, tuple[int, int, float]] = {}
    for point, ms in points:
        last = latest.get(point.key)
        if last is None or (point.step, ms, point.value) > last:
            latest[point.key] = (point.step, ms, point.value)
    write.executemany(
        "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, 0) "
        "ON CONFLICT DO NOTHING",
        [(point.key, point.value, ms, run, point.step) for point, ms in points],
    )
    write.executemany(
        "INSERT INTO latest_metrics AS m (key, value, timestamp, step, is_nan, run_uuid) VALUES (?, ?, ?, ?, 0, ?) "
        "ON CONFLICT (key, run_uuid) DO UPDATE SET value = excluded.value, timestamp = excluded.timestamp, "
        f"step = excluded.step, is_nan = 0 WHERE {LATER}",
        [(key, value, ms, step, run) for key, (step, ms, value) in latest.items()],
    )


def _write_tags(write: sqlite3.Connection, run: str, tags: Mapping[str, str]) -> None:
    write.executemany(
        "INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?) "
        "ON CONFLICT (key, run_uuid) DO UPDATE SET value = excluded.value",
        [(key, text, run) for key, text in tags.items()],
    )


def _dataset(write: sqlite3.Connection, experiment: int, data: Dataset) -> str:
    """Return the id of data in an experiment, which is written if it is not there."""
    values = (experiment, data.name, data.digest)
    statement = "SELECT dataset_uuid FROM datasets WHERE experiment_id = ? AND name = ? AND digest = ?"
    if known := write.execute(statement, values).fetchall():
        return str(known[0][0])
    number = uuid.uuid4().hex
    write.execute(
        "INSERT INTO datasets (dataset_uuid, experiment_id, name, digest, dataset_source_type, dataset_source) "
        "VALUES (?, ?, ?, ?, 'harness', ?)",
        (number, *values, data.spec),
    )
    return number


def _write_input(write: sqlite3.Connection, run: str, dataset: str) -> None:
    number = uuid.uuid4().hex
    written = write.execute(
        "INSERT INTO inputs (input_uuid, source_type, source_id, destination_type, destination_id) "
        "VALUES (?, 'DATASET', ?, 'RUN', ?) ON CONFLICT DO NOTHING",
        (number, dataset, run),
    )
    if written.rowcount:
        write.execute(
            "INSERT INTO input_tags (input_uuid, name, value) VALUES (?, ?, ?)", (number, CONTEXT_TAG, CONTEXT)
        )


def _now_ms() -> int:
    return int(time.time() * 1000)
