"""Comparing a run that was trained again with its record, bit for bit."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from harness.core.errors import SnapshotError
from harness.core.history import History, Series
from harness.staging.histories import run_history, stage_folder
from harness.staging.ledger import StageAddress
from harness.staging.retrain import retrain, signals_in
from harness.staging.run import RunConfig
from harness.staging.snapshot_files import read_snapshot_files

__all__ = ["RecordedRun", "first_difference", "read_recorded", "reproduce"]

TEST = "test/"


@dataclass(frozen=True)
class RecordedRun:
    """What the store has of a run that has ended.

    Attributes:
        history: from step 0 to the end.
        snapshot: the bytes of the last snapshot, or None if it was evicted.
    """

    history: History
    snapshot: bytes | None


def read_recorded(store: Path, stages: tuple[StageAddress, ...], *, test: bool = True) -> RecordedRun:
    """Read a run from its stages' files without checking their digests; `test` as in `run_history`.

    Raises:
        ValueError: a file is missing or cannot be read; the message names it.
    """
    try:
        history = run_history(store, stages, test=test)
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise ValueError(f"the recorded history cannot be read: {' '.join(str(error).split())}") from None
    try:
        return RecordedRun(history, read_snapshot_files(stage_folder(store, stages[-1])))
    except SnapshotError as error:
        raise ValueError(str(error)) from None


def reproduce(config: RunConfig, recorded: RecordedRun, data_folder: Path | None = None) -> str | None:
    """Train a run again and compare it with its record; return the first difference, or None.

    Raises:
        HarnessError: it cannot be trained here.
    """
    test = any(name.startswith(TEST) for name in recorded.history)
    retrained = retrain(config, signals_in(recorded.history), data_folder, test=test)
    if difference := first_difference(recorded.history, retrained.history):
        return difference
    if recorded.snapshot is not None and recorded.snapshot != retrained.snapshot:
        return f"step {retrained.last_step}: {_snapshot_difference(recorded.snapshot, retrained.snapshot)}"
    return None


def first_difference(recorded: History, retrained: History) -> str | None:
    """Return the earliest step at which two histories differ in any bit, with the series and both values, or None."""
    differences = [
        (step, name, difference)
        for name in {*recorded, *retrained}
        for step, difference in _differences(_series(recorded, name), _series(retrained, name))
    ]
    if not differences:
        return None
    step, name, difference = min(differences)
    return f"step {step}, {name}: {difference}"


def _series(history: History, name: str) -> Series:
    return history[name] if name in history else Series()


def _differences(recorded: Series, retrained: Series) -> list[tuple[int, str]]:
    """Return the first difference of two series, if there is one, with its step."""
    points = [list(zip(series.steps, series.values, strict=True)) for series in (recorded, retrained)]
    for (step, value), (other_step, other) in zip(*points, strict=False):
        if step != other_step:
            return [(min(step, other_step), f"recorded for step {step}, found for step {other_step}")]
        if struct.pack("<d", value) != struct.pack("<d", other):
            return [(step, f"recorded {value!r}, found {other!r}")]
    if len(points[0]) == len(points[1]):
        return []
    texts = ("recorded, not found", "found, not recorded")
    longer, text = max(zip(points, texts, strict=True), key=lambda pair: len(pair[0]))
    return [(longer[min(map(len, points))][0], text)]


def _snapshot_difference(recorded: bytes, retrained: bytes) -> str:
    try:
        tensors: tuple[Mapping[str, Tensor], ...] = (load(recorded), load(retrained))
    except SafetensorError as error:
        return f"the recorded weights cannot be read: {error}"
    names = sorted(tensors[0].keys() | tensors[1].keys())
    different = [name for name in names if not _are_equal(tensors[0].get(name), tensors[1].get(name))]
    return f"{different[0]} differs" if different else "the recorded snapshot differs in its header"


def _are_equal(one: Tensor | None, other: Tensor | None) -> bool:
    if one is None or other is None or one.shape != other.shape or one.dtype != other.dtype:
        return False
    return one.numpy().tobytes() == other.numpy().tobytes()
