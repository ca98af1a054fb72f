"""Each call leaves in the database what MLflow's own client leaves there."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import HarnessError
from harness.tracking.content.entry import Dataset
from harness.tracking.content.points import Point
from harness.tracking.mlflow._base import AbstractConnection
from harness.tracking.mlflow.client import ClientConnection
from harness.tracking.mlflow.database import open_connection
from harness.tracking.mlflow.location import sqlite_uri
from harness.tracking.mlflow.rows import RowConnection

Rows = dict[str, list[tuple[str, ...]]]
POINTS = [(Point("val/loss", step, 1 / step), 1_000 + step) for step in (2, 3, 1)]
TIED = [(Point("val/loss", 3, value), 1_003) for value in (0.125, 0.5)]
DATA = [Dataset(name, digest, "{}") for name, digest in (("digits", "a"), ("digits", "b"), ("moons", "a"))]
CLOCK = ("creation_time", "last_update_time", "deleted_time")
CALLS: list[Callable[[AbstractConnection, dict[str, str]], object]] = [
    lambda to, ids: ids.update(study=to.create_experiment("study", "file:///a%20b", {"note": "ü", "kind": "x"})),
    lambda to, ids: to.set_experiment_tag(ids["study"], "note", "another"),
    lambda to, ids: to.set_experiment_tag(ids["study"], "new", "text"),
    lambda to, ids: ids.update(one=to.create_run(ids["study"], 7, {"seed": "1", "note": "n"}, "the first").id),
    lambda to, ids: ids.update(two=to.create_run(ids["study"], 8, {"seed": "2"}, "the second").id),
    lambda to, ids: to.log_batch(ids["one"], POINTS, {"lr": "0.1", "ü": "ß"}, {}),
    lambda to, ids: to.log_batch(ids["one"], POINTS[:1] + TIED, {"lr": "0.1", "more": "1"}, {"seed": "3", "new": ""}),
    lambda to, ids: to.log_batch(ids["two"], [(Point("b", 1, -0.0, 1), 5), (Point("a", 0, 1e300), 4)], {}, {}),
    lambda to, ids: to.log_batch(ids["two"], [], {}, {}),
    lambda to, ids: to.log_inputs(ids["one"], DATA[:2]),
    lambda to, ids: to.log_inputs(ids["two"], DATA),
    lambda to, ids: to.log_inputs(ids["two"], DATA[:1]),
    lambda to, ids: to.delete_tag(ids["one"], "note"),
    lambda to, ids: to.update_run(ids["one"], name="renamed"),
    lambda to, ids: to.set_terminated(ids["one"], "KILLED", 99),
    lambda to, ids: to.update_run(ids["one"], status="RUNNING"),
    lambda to, ids: to.set_terminated(ids["two"], "FINISHED", 99),
]  # fmt: skip


@pytest.fixture
def both(tmp_path: Path, empty_database: Path) -> tuple[RowConnection, ClientConnection]:
    """Connections of both kinds, to a database each."""
    uris = []
    for name in ("rows", "client"):
        shutil.copy(empty_database, tmp_path / name)
        uris.append(sqlite_uri(tmp_path / name))
    rows = open_connection(uris[0])
    assert isinstance(rows, RowConnection)
    return rows, ClientConnection(uris[1])


def content(database: Path, ids: dict[str, str]) -> Rows:
    """Return all rows by table; what is drawn, or read from the clock, by what it stands for."""
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        tables = {name: [dict(row) for row in connection.execute(f'SELECT * FROM "{name}"')] for name in names}
    drawn = {number: name for name, number in ids.items() if len(number) > 1}
    drawn |= {row["dataset_uuid"]: f"{row['name']} {row['digest']}" for row in tables["datasets"]}
    drawn |= {row["input_uuid"]: drawn[row["destination_id"]] + drawn[row["source_id"]] for row in tables["inputs"]}

    def plain(column: str, value: Any) -> str:
        text = "now" if column in CLOCK and value else repr(value)
        for number, name in drawn.items():
            text = text.replace(number, name)
        return text

    return {name: sorted(tuple(plain(*cell) for cell in row.items()) for row in rows) for name, rows in tables.items()}


def test_each_call_leaves_the_rows_that_mlflow_leaves(
    tmp_path: Path, both: tuple[RowConnection, ClientConnection]
) -> None:
    ids: list[dict[str, str]] = [{}, {}]
    for call in CALLS:
        for connection, own in zip(both, ids, strict=True):
            call(connection, own)
        rows, client = (content(tmp_path / name, own) for name, own in zip(("rows", "client"), ids, strict=True))
        assert rows == client

    assert {len(rows[name]) for name in ("runs", "experiments", "inputs")} == {2, 5}


def test_what_is_read_is_what_mlflow_says(both: tuple[RowConnection, ClientConnection]) -> None:
    said = []
    for connection in both:
        ids: dict[str, str] = {}
        for call in CALLS:
            call(connection, ids)
        experiment = connection.get_experiment_by_name("study")
        found = [list(connection.search_runs(ids["study"], tags)) for tags in ({}, {"seed": "3"}, {"seed": "none"})]
        history = sorted(connection.get_metric_history(ids["one"], "val/loss"))
        said.append((experiment, [[vars(run) | {"id": ""} for run in runs] for runs in found], history))

    assert said[0] == said[1]
    assert [len(runs) for runs in said[0][1]] == [2, 1, 0]
    assert both[0].get_experiment_by_name("unknown") is None


def test_runs_are_looked_up_however_many(
    both: tuple[RowConnection, ClientConnection], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("rows", "client"):
        monkeypatch.setattr(f"harness.tracking.mlflow.{module}.RUNS_A_CALL", 2)
    for connection in both:
        experiment = connection.create_experiment("study", "file:///a", {})
        for seed in range(5):
            connection.create_run(experiment, 1 + seed, {"seed": str(seed)}, "a run")

        assert [run.tags["seed"] for run in connection.search_runs(experiment, {})] == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize("kind", [0, 1])
def test_a_param_does_not_change_and_a_run_that_was_deleted_stays(
    tmp_path: Path, both: tuple[RowConnection, ClientConnection], kind: int
) -> None:
    connection = both[kind]
    ids: dict[str, str] = {}
    for call in CALLS:
        call(connection, ids)

    with pytest.raises((HarnessError, *connection.errors)):
        connection.log_batch(ids["one"], POINTS, {"lr": "0.2"}, {"seed": "9"})
    connection.delete_run(ids["two"])
    with pytest.raises((HarnessError, *connection.errors)):
        connection.log_batch(ids["two"], POINTS, {}, {})

    (left,) = connection.search_runs(ids["study"], {})
    assert (left.id, left.params["lr"], left.tags["seed"]) == (ids["one"], "0.1", "3")
    assert len(content(tmp_path / ("rows", "client")[kind], ids)["metrics"]) == 7


@pytest.mark.parametrize("kind", [0, 1])
def test_a_file_lies_below_the_folder_of_the_experiment(
    tmp_path: Path, both: tuple[RowConnection, ClientConnection], kind: int
) -> None:
    folder = tmp_path / "a b#ü"
    run = both[kind].create_run(both[kind].create_experiment("study", folder.as_uri(), {}), 1, {}, "a run").id

    for text in ("one", "two"):
        both[kind].log_file(run, "x.json", text.encode())

    assert [path.read_text() for path in folder.rglob("*") if path.is_file()] == ["two"]
    assert (folder / run / "artifacts" / "x.json").is_file()


def test_an_experiment_without_a_folder_of_ours_is_left_to_mlflow(
    tmp_path: Path, both: tuple[RowConnection, ClientConnection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    experiment = both[0].create_experiment("study", None, {})
    run = both[0].create_run(experiment, 1, {}, "a run").id

    both[0].log_file(run, "x.json", b"{}")

    assert [path.name for path in tmp_path.rglob("x.json")] == ["x.json"]
