"""Readers of what a home holds: snapshots, the ledger, files of live runs."""

import functools
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from harness.core.errors import HarnessError
from harness.core.history import History
from harness.staging.catalog import Catalog, StageEntry
from harness.staging.histories import SNAPSHOT_FILE
from harness.staging.ledger import Ledger, RunRecord, StageAddress, StudyOrigin, StudyRecord
from harness.staging.ledger_check import check_records
from harness.staging.previous_specs import previous_specs, save_previous_spec
from harness.staging.registration import registration_of, save_launch, save_registration
from harness.staging.reproductions import reproductions, save_reproduction
from harness.staging.signals import save_signal, sent_signals
from harness.staging.snapshot_files import REST_FILE, read_snapshot_files, write_snapshot_files
from harness.staging.snapshot_format import SnapshotFile, as_metadata
from harness.staging.study_spec import StudySpec
from harness.staging.tensor_pool import TensorPool
from harness.tracking.live.attempts import Attempts
from harness.tracking.live.format import encode_part, encode_start, live_folder
from harness.tracking.live.frames import frame
from tests.fuzzing.damage import bytes_damaged, cells_damaged, frames_damaged
from tests.fuzzing.parser import Parser

__all__ = ["STORED"]

NAME = "tiny"
TENSORS: dict[str, np.ndarray] = {
    "model/0/weight": np.ones((3, 4), np.float32),
    "optimizer/0/weight/exp_avg": np.zeros(12, np.float32),
    "memory/indices": np.arange(5),
}


def record() -> RunRecord:
    """Return the record of a run that has ended."""
    stages = (StageAddress("a" * 64, 20), StageAddress("b" * 64, 40))
    config = {"steps": 40, "device": "cpu", "training": {"evaluate_every": 20}, "growths": []}
    metrics = {"test/accuracy/all": 0.5, "val/accuracy/all": 0.25, "cost/seconds": 1.0}
    growths = ({"step": 20, "parameters_added": 5, "flops_before": 100},)
    return RunRecord(NAME, 0, "frozen", 0, "0123abcd", {"when": 20}, config, "completed", "", stages, growths, metrics)


def history() -> History:
    """Return what a run has measured."""
    made = History()
    for step in range(4):
        made.record(step, {"train/loss/total": 1.0 / (step + 1), "val/accuracy/all": step / 4})
    return made


def _snapshots(_: Path) -> list[bytes]:
    return [save(TENSORS, as_metadata({"step": 3, "lineage": [], "seen": 5}))]


def _snapshot(content: bytes, folder: Path) -> object:
    (folder / SNAPSHOT_FILE).write_bytes(content)
    parsed = SnapshotFile.parse(read_snapshot_files(folder) or b"")
    return parsed.state, parsed.weights(), [parsed.tensor_bytes(name) for name in parsed.tensors]


def _large_snapshots(folder: Path) -> list[bytes]:
    large = {"model/0/weight": np.zeros((300, 8000), np.float32), "model/1/weight": np.ones(9, np.float32)}
    shutil.rmtree(folder / "tensors", ignore_errors=True)
    write_snapshot_files(folder, save(large, as_metadata({"step": 3})), TensorPool(folder / "pool"))
    return [(folder / REST_FILE).read_bytes()]


def _large_snapshot(content: bytes, folder: Path) -> object:
    (folder / REST_FILE).write_bytes(content)
    return read_snapshot_files(folder)


def _ledgers(folder: Path) -> list[bytes]:
    ledger, run = Ledger(folder), record()
    ledger.create()
    spec = StudySpec({"name": NAME, "arms": {"frozen": {}}, "design": {"kind": "paired"}, "comparison": ["frozen"] * 2})
    ledger.save_study(StudyRecord(NAME, spec, 1, 1, "study.py"))
    ledger.save_origin(NAME, StudyOrigin(NAME, ("steps=40",)))
    ledger.save_run(run)
    ledger.save_rung(run, 20)
    save_previous_spec(ledger.database, NAME, {"name": NAME})
    save_registration(ledger.database, NAME, {"points": "0" * 64, "spec": spec})
    save_launch(ledger.database, NAME)
    save_reproduction(ledger.database, run, history(), "", "")
    save_signal(ledger.database, NAME, "go")
    for address in run.stages:
        Catalog(ledger.database).save(StageEntry(address, 0, "", "c" * 64, 100, "d" * 64, 50, 0.5))
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as database:
        database.execute("PRAGMA journal_mode=DELETE")
    return [(folder / "ledger.sqlite").read_bytes()]


def _ledger(content: bytes, folder: Path) -> object:
    for path in folder.glob("ledger.sqlite*"):
        path.unlink()
    (folder / "ledger.sqlite").write_bytes(content)
    ledger = Ledger(folder)
    reads = (
        ledger.studies,
        ledger.run_counts,
        functools.partial(ledger.runs, NAME),
        functools.partial(ledger.origin, NAME),
        functools.partial(ledger.rungs, NAME, 0),
        functools.partial(ledger.test_set_accesses, NAME),
        functools.partial(check_records, ledger.database),
        functools.partial(registration_of, ledger.database, NAME),
        functools.partial(previous_specs, ledger.database, NAME),
        functools.partial(reproductions, ledger.database, NAME),
        functools.partial(sent_signals, ledger.database, NAME, "0123abcd"),
        Catalog(ledger.database).stages,
        Catalog(ledger.database).damaged,
    )
    refused: list[HarnessError] = []
    for read in reads:  # whatever the others do: each is asked by another command
        try:
            read()
        except HarnessError as error:
            refused.append(error)
    if refused:
        raise refused[0]
    return None


def _live(_: Path) -> list[bytes]:
    parts = [encode_part(history(), {}), encode_part(history(), {"cpu_seconds": 1.0})]
    return [frame(encode_start(record(), {})) + b"".join(map(frame, parts))]


def _shown(content: bytes, folder: Path) -> object:
    path = live_folder(folder, NAME) / "0123abcd.live"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    attempts = Attempts(folder, NAME)
    attempts.read()
    return [len(attempt.points) for attempt in attempts]


STORED = {
    "snapshot": Parser(_snapshots, _snapshot),
    "large snapshot": Parser(_large_snapshots, _large_snapshot),
    "cells of a ledger": Parser(_ledgers, _ledger, (cells_damaged,), slow=True),
    "ledger": Parser(_ledgers, _ledger, slow=True),
    "live run": Parser(_live, _shown, (bytes_damaged, frames_damaged)),
}
