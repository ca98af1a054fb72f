"""Training one run again, alone and from step 0, and comparing it with its record bit for bit."""

import struct
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from harness.core.history import History, Series
from harness.staging.histories import FILES, run_history, stage_folder
from harness.staging.ledger import StageAddress
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.workspace import Workspace

__all__ = ["Recorded", "RetrainedRun", "first_difference", "read_recorded", "reproduce", "retrain", "signals_in"]

SIGNAL = "signal/"
TEST = "test/"


@dataclass(frozen=True)
class Recorded:
    """What a run left behind.

    Attributes:
        history: from step 0 to the end.
        state: the last snapshot's bytes, or None if it was given up for space.
    """

    history: History
    state: bytes | None


def read_recorded(store: Path, stages: tuple[StageAddress, ...], *, test: bool = True) -> Recorded:
    """Read a run's record as it lies there, whatever its checksums say; `test` as in `run_history`.

    Raises:
        ValueError: a file is missing or cannot be read; the message names it.
    """
    try:
        history = run_history(store, stages, test=test)
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise ValueError(f"the recorded history cannot be read: {' '.join(str(error).split())}") from None
    path = stage_folder(store, stages[-1]) / FILES[0]
    return Recorded(history, path.read_bytes() if path.is_file() else None)


def reproduce(config: RunConfig, recorded: Recorded, data_folder: Path | None = None) -> str | None:
    """Train a run again without any store, cached features or worker; return the first difference, or None.

    Raises:
        HarnessError: it cannot be trained here.
    """
    opened = any(name.startswith(TEST) for name in recorded.history)
    again = retrain(config, signals_in(recorded.history), data_folder, test=opened)
    history = History()
    for stage in again.stages:
        history = history.then(stage)
    if difference := first_difference(recorded.history, history):
        return difference
    if recorded.state is not None and recorded.state != again.state:
        return f"step {again.last_step}: {_first_tensor(recorded.state, again.state)}"
    return None


@dataclass(frozen=True)
class RetrainedRun:
    """What a run left behind that was trained again.

    Attributes:
        stages: what was recorded, stage by stage.
        state: the last snapshot's bytes; it was taken at `last_step`.
    """

    stages: tuple[History, ...]
    state: bytes
    last_step: int


def retrain(
    config: RunConfig, heard: Mapping[str, int], data_folder: Path | None = None, *, test: bool = True
) -> RetrainedRun:
    """Train a run alone and from step 0; the signals `heard` come at their steps, `test` data are looked at or not.

    Raises:
        HarnessError: it cannot be trained here.
    """
    with tempfile.TemporaryDirectory(prefix="harness-") as name:
        workspace = Workspace(Path(name), data_folder=data_folder).create()
        signals = _RecordedSignals(heard)
        runner = Runner(workspace, alone=True)
        stages = runner.run(config, signals.evaluated, signals.heard, test=test).stages
        histories = tuple(run_history(workspace.stages, (address,)) for address in stages)
        return RetrainedRun(
            histories, (stage_folder(workspace.stages, stages[-1]) / FILES[0]).read_bytes(), stages[-1].step
        )


def signals_in(history: History) -> dict[str, int]:
    """Return the signals that a run heard, with the steps at which they came."""
    return {name.removeprefix(SIGNAL): history[name].steps[0] for name in history if name.startswith(SIGNAL)}


def first_difference(recorded: History, again: History) -> str | None:
    """Return the earliest step at which two histories differ in any bit, and the component, or None."""
    found = [
        (step, name, what)
        for name in {*recorded, *again}
        for step, what in _differences(_series(recorded, name), _series(again, name))
    ]
    if not found:
        return None
    step, name, what = min(found)
    return f"step {step}, {name}: {what}"


def _series(history: History, name: str) -> Series:
    return history[name] if name in history else Series()


def _differences(recorded: Series, again: Series) -> list[tuple[int, str]]:
    """Return the first difference of two series, if there is one."""
    points = [list(zip(series.steps, series.values, strict=True)) for series in (recorded, again)]
    for (step, value), (other_step, other) in zip(*points, strict=False):
        if step != other_step:
            return [(min(step, other_step), f"recorded for step {step}, found for step {other_step}")]
        if struct.pack("<d", value) != struct.pack("<d", other):
            return [(step, f"recorded {value!r}, found {other!r}")]
    if len(points[0]) == len(points[1]):
        return []
    longer, had = max(zip(points, ("recorded, not found", "found, not recorded"), strict=True), key=lambda p: len(p[0]))
    return [(longer[min(map(len, points))][0], had)]


def _first_tensor(recorded: bytes, again: bytes) -> str:
    try:
        tensors: tuple[Mapping[str, Tensor], ...] = (load(recorded), load(again))
    except SafetensorError as error:
        return f"the recorded weights cannot be read: {error}"
    names = sorted(tensors[0].keys() | tensors[1].keys())
    different = [name for name in names if not _same(tensors[0].get(name), tensors[1].get(name))]
    return f"{different[0]} differs" if different else "the recorded snapshot differs in its header"


def _same(one: Tensor | None, other: Tensor | None) -> bool:
    if one is None or other is None or one.shape != other.shape or one.dtype != other.dtype:
        return False
    return one.numpy().tobytes() == other.numpy().tobytes()


class _RecordedSignals:
    """Sends the signals that a run heard when it heard them."""

    def __init__(self, heard: Mapping[str, int]) -> None:
        self._first = heard
        self._step = 0

    def evaluated(self, step: int, metrics: Mapping[str, float]) -> None:  # noqa: ARG002
        """Note how far training has come."""
        self._step = step

    def heard(self) -> frozenset[str]:
        """Return the signals that had come by now."""
        return frozenset(name for name, first in self._first.items() if first <= self._step)
