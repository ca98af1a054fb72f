"""Retraining one run: alone, from step 0, without any store, cached features or worker."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.core.history import History
from harness.staging.frozen import frozen_digests
from harness.staging.histories import run_history, stage_folder
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.snapshot_files import read_snapshot_files
from harness.staging.workspace import Workspace

__all__ = ["RetrainedRun", "retrain", "signals_in"]

SIGNAL = "signal/"


@dataclass(frozen=True)
class RetrainedRun:
    """A run that was trained again.

    Attributes:
        stages: the history of each stage.
        snapshot: the bytes of the last snapshot, which was made after `last_step` updates.
        metrics: its results, as in `RunResult`, as are `growths`.
        frozen: the digests of what was frozen, when it was frozen and at the end.
    """

    stages: tuple[History, ...]
    snapshot: bytes
    last_step: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    growths: tuple[Mapping[str, Any], ...] = ()
    frozen: tuple[str, str] = ("", "")

    @property
    def history(self) -> History:
        """The history from step 0 to the end."""
        history = History()
        for stage in self.stages:
            history = history.then(stage)
        return history


def retrain(
    config: RunConfig, signals: Mapping[str, int], data_folder: Path | None = None, *, test: bool = True
) -> RetrainedRun:
    """Train a run alone and from step 0.

    Args:
        config: of the run.
        signals: by name, the step at which the run received each signal.
        data_folder: looked into before data is downloaded.
        test: whether the network is evaluated on test data.

    Raises:
        HarnessError: it cannot be trained here.
    """
    with tempfile.TemporaryDirectory(prefix="harness-") as name:
        workspace = Workspace(Path(name), data_folder=data_folder).create()
        replayed = _ReplayedSignals(signals)
        runner = Runner(workspace, alone=True)
        result = runner.run(config, replayed.on_evaluation, replayed.arrived, test=test)
        stages = result.stages
        histories = tuple(run_history(workspace.stages, (address,)) for address in stages)
        snapshot = read_snapshot_files(stage_folder(workspace.stages, stages[-1]))
        assert snapshot is not None  # it was committed a moment ago
        frozen = frozen_digests(workspace.stages, stages)
        return RetrainedRun(histories, snapshot, stages[-1].step, result.metrics, result.growths, frozen)


def signals_in(history: History) -> dict[str, int]:
    """Return the signals that a run received, with the steps at which they arrived."""
    return {name.removeprefix(SIGNAL): history[name].steps[0] for name in history if name.startswith(SIGNAL)}


class _ReplayedSignals:
    """Sends recorded signals at the steps at which the run received them."""

    def __init__(self, signals: Mapping[str, int]) -> None:
        self._signals = signals
        self._step = 0

    def on_evaluation(self, step: int, metrics: Mapping[str, float]) -> None:  # noqa: ARG002
        """Note the step that training has reached."""
        self._step = step

    def arrived(self) -> frozenset[str]:
        """Return the signals that have arrived by this step."""
        return frozenset(name for name, step in self._signals.items() if step <= self._step)
