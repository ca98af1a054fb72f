"""The weights of the network that a run's final evaluation saw, as a file; read without torch."""

from collections.abc import Mapping
from typing import Any

from harness.staging.snapshot_format import AVERAGE, MODEL, Buffer, SnapshotFile

__all__ = ["evaluated_weights"]


def evaluated_weights(snapshot: Buffer, config: Mapping[str, Any]) -> bytes:
    """Return a safetensors file with the tensors of the evaluated network, named by their stable ids.

    Args:
        snapshot: of the run's end.
        config: of the run, as JSON. A run that evaluates an average of its weights has that one.

    Raises:
        SnapshotError: this is no snapshot.
    """
    training = config.get("training", {})
    averaged = training.get("average") is not None and training.get("evaluate_average", True)
    return SnapshotFile.parse(snapshot).weights(AVERAGE if averaged else MODEL)
