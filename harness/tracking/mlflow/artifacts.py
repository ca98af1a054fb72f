"""The files of a run in MLflow: its configuration, growths, figure and final weights."""

import json
from contextlib import suppress
from pathlib import Path

from harness.core.errors import SnapshotError
from harness.staging.evaluated_weights import evaluated_weights
from harness.staging.histories import stage_folder
from harness.staging.ledger import RunRecord
from harness.staging.snapshot_files import read_snapshot_files, snapshot_sizes
from harness.tracking.content.entry import RunEntry
from harness.tracking.content.figure import figure
from harness.tracking.mlflow._base import AbstractConnection

__all__ = ["log_files", "log_weights"]

WEIGHTS, FIGURE = "weights.safetensors", "figure.svg"
MOST_WEIGHT_BYTES = 100_000_000


def log_files(client: AbstractConnection, run: str, entry: RunEntry, metric: str, record: RunRecord) -> None:
    """Write the files that `entry` names, and the figure of the losses and of `metric`."""
    for name, content in entry.files.items():
        client.log_file(run, name, json.dumps(content, indent=2, ensure_ascii=False).encode())
    growth_steps = [growth["step"] for growth in record.growths]
    client.log_file(run, FIGURE, figure(entry.name, entry.metrics, metric, growth_steps).encode())


def log_weights(client: AbstractConnection, run: str, store: Path, record: RunRecord) -> None:
    """Write the weights of the last stage, unless its snapshot was removed, is damaged, or is very large."""
    if not record.stages:
        return
    stage = stage_folder(store, record.stages[-1])
    if sum(snapshot_sizes(stage).values()) > MOST_WEIGHT_BYTES:
        return
    with suppress(SnapshotError):  # a damaged snapshot is the store's business; the run is shown without it
        if snapshot := read_snapshot_files(stage):
            client.log_file(run, WEIGHTS, evaluated_weights(snapshot, record.config))
