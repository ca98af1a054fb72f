"""Writes a ledger, stages and a report, and notes what is promised to be there from when on: `writer.py HOME TRACE`."""

import sys
from ctypes import CDLL
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from harness.core.history import History
from harness.reporting.publication.publishing import publish
from harness.staging import snapshot_files
from harness.staging.ledger import Ledger, StageAddress
from harness.staging.store import Stage, StageMetrics, Store

KEY = "ab12"
REPORTS = [{"report.html": b"<p>one", "manifest.json": b"1"}, {"report.html": b"<p>two", "data/runs.csv": b"2"}]


def stage(step: int) -> Stage:
    """Return a stage, one of whose tensors all of them have."""
    snapshot = save({"shared": np.arange(300.0), "own": np.full(300, float(step))})
    history = History()
    history.record(step, {"loss": 1 / (1 + step)})
    return Stage(StageAddress(KEY, step), 0, "", snapshot, StageMetrics(history, History()), seconds=1.0)


def write(home: Path, trace: Path) -> None:
    """Write everything."""
    recorder = CDLL(None)
    recorder.begin(str(home).encode(), str(trace).encode())
    vars(snapshot_files).update(LARGE_BYTES=0, LARGE_TENSOR_BYTES=512)  # as of a large snapshot
    ledger = Ledger(home / "runs")
    ledger.create()
    store = Store(home / "runs" / "store", ledger)
    for step in (1, 2):
        store.commit(stage(step))
        recorder.note(f"stage {step}".encode())
    for number, files in enumerate(REPORTS):
        publish(home / "reports" / "one", {**files, "manifest.json": b"{}"})
        recorder.note(f"report {number}".encode())
    recorder.end()


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
