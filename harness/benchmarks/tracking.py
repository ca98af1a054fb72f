"""What it costs to be shown in MLflow: of the wall time of training, and of the processor time of all processes."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import final

import psutil
import torch

from harness.benchmarks._base import AbstractBenchmark, Figure
from harness.core.history import History
from harness.data import Digits, TaskData
from harness.growth.rules import TriggerMonitor
from harness.models import MLP
from harness.staging.histories import METRICS_FILES, stage_folder
from harness.staging.ledger import RunRecord, StageAddress, StudyRecord
from harness.staging.network import build_network
from harness.staging.run import RunConfig
from harness.staging.study_spec import StudySpec
from harness.staging.workspace import Workspace
from harness.tracking.delivery.destination import Destination, parse_destination
from harness.tracking.delivery.process import start_delivery
from harness.tracking.live.feed import AbstractFeed, LiveFeed, NoFeed
from harness.tracking.live.format import live_files
from harness.tracking.mlflow.location import default_tracking_uri
from harness.tracking.mlflow.tracker import MlflowTracker
from harness.tracking.mlflow.ui import start_ui
from harness.training.config import TrainingConfig
from harness.training.loop import train_stage
from harness.training.state import fresh_state

__all__ = ["TrackingBenchmark"]

STUDY = "tracking-benchmark"
LIMIT_PERCENT, PROCESSOR_LIMIT_PERCENT = 3.0, 10.0
SHOWN_LIMIT_S = 10.0
PATIENCE_S = 120.0
QUICK, WHOLE = (5, 1500), (9, 3000)  # rounds and steps
EVERY = 25


@final
class TrackingBenchmark(AbstractBenchmark):
    """A small network on digits, whose every step takes less than a millisecond; it is shown as studies are by default.

    Of the processor time, starting is not counted: it is that of the process that delivers, and of a server, for a run,
    beside that of training it.
    """

    def measure(self, *, quick: bool) -> list[Figure]:
        """Return shares of wall and processor time and delay, for a SQLite database and for a server."""
        torch.set_num_threads(1)
        rounds, steps = QUICK if quick else WHOLE
        trial = _TimedTraining(steps)
        return [
            figure
            for name, opened in (("SQLite", _in_sqlite), ("server", _on_server))
            for figure in _figures(name, opened, trial, rounds)
        ]


class _TimedTraining:
    """Training of one run, always the same."""

    def __init__(self, steps: int) -> None:
        self.config = _config(steps)
        self._data: TaskData = self.config.task.load(None)

    def train(self, feed: AbstractFeed, trial: int) -> "_Trained":
        """Train from the beginning."""
        config, history, reported = self.config, History(), dict[str, int]()
        record = _record(config, trial)
        model = build_network(config, self._data)
        state = fresh_state(model, config.training.optimizer, seed=0, precision="fp32")
        feed.begin(record)
        began, spent = time.perf_counter(), time.process_time()
        train_stage(
            state,
            config.steps,
            config=config.training,
            data=self._data,
            monitor=TriggerMonitor(()),
            history=history,
            on_evaluation=lambda _step, _metrics: feed.append(record.run_id, history.since(reported)),
        )
        wall_s = time.perf_counter() - began
        feed.append(record.run_id, history.since(reported))
        feed.end(record.run_id)
        return _Trained(wall_s, time.process_time() - spent, history)


@dataclass(frozen=True)
class _Trained:
    """What a training took, and what it measured."""

    wall_s: float
    processor_s: float
    history: History


def _figures(
    name: str, opened: Callable[[Path], AbstractContextManager[str]], training: _TimedTraining, rounds: int
) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with opened(home) as uri:
            shown = _Shown(home, parse_destination(uri, home), training, rounds)
            return shown.figures(name)


class _Shown:
    """Runs that are shown, and runs that are not, in turn."""

    def __init__(self, home: Path, destination: Destination, training: _TimedTraining, rounds: int) -> None:
        self._workspace = Workspace(home).create()
        self._destination = destination
        self._training = training
        self._rounds = rounds
        spec = {"title": "", "question": "", "space": {}, "arms": {"all": {}}, "metric": "accuracy/all"}
        self._workspace.ledger.save_study(StudyRecord(STUDY, StudySpec(spec), trials=rounds + 1, seeds=1))

    def figures(self, name: str) -> list[Figure]:
        """Return the figures, whose names begin with `name`."""
        shares, delays, rates, trained_s, before = [], [], [], 0.0, 0.0
        feed = LiveFeed(self._workspace.home)
        with start_delivery([self._destination], self._workspace, STUDY) as delivery:
            for number in range(self._rounds + 1):
                plain = self._training.train(NoFeed(), number)
                tracked = self._training.train(feed, number)
                delay = self._delivered(number, tracked.history)
                if number:  # in the first round caches are cold, and MLflow is imported
                    shares.append(100 * (tracked.wall_s / plain.wall_s - 1))
                    delays.append(delay)
                    rates.append(len(tracked.history) / tracked.wall_s)
                    trained_s += tracked.processor_s
                else:
                    before = _of_other_processes()
            others_s = _of_other_processes() - before
            left = delivery.finish()
        return [
            Figure.below(f"{name}: share of wall time (%)", median(shares), LIMIT_PERCENT),
            Figure.at_most(
                f"{name}: share of processor time (%)", 100 * others_s / (others_s + trained_s), PROCESSOR_LIMIT_PERCENT
            ),
            Figure.below(f"{name}: all shown after the end of a run (s)", median(delays), SHOWN_LIMIT_S),
            Figure(f"{name}: points measured in a second", median(rates)),
            Figure.below(f"{name}: points not delivered", left.points + bool(left), 1),
        ]

    def _delivered(self, number: int, history: History) -> float:
        """Commit a run; return the seconds until it is shown as a whole, its live file being gone."""
        address = StageAddress(f"{number:064d}", self._training.config.steps)
        folder = stage_folder(self._workspace.stages, address)
        folder.mkdir(parents=True)
        for name, content in zip(METRICS_FILES, (history, History()), strict=True):
            (folder / name).write_bytes(content.to_bytes())
        self._workspace.ledger.save_run(
            replace(_record(self._training.config, number), status="completed", stages=(address,))
        )
        began = time.monotonic()
        while live_files(self._workspace.home, STUDY) and time.monotonic() < began + PATIENCE_S:
            time.sleep(0.05)
        return time.monotonic() - began


def _of_other_processes() -> float:
    """Return the processor time of the processes below this one, in seconds."""
    spent = 0.0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # it has just ended
            own = process.cpu_times()
            spent += own.user + own.system
    return spent


def _record(config: RunConfig, trial: int) -> RunRecord:
    return RunRecord(STUDY, trial, "all", 0, f"run-{trial}", {}, config.to_json(), "running")


def _config(steps: int) -> RunConfig:
    return RunConfig(
        task=Digits(classes={"all": tuple(range(10))}),
        model=MLP(inputs=64, widths=(64, 64)),
        training=TrainingConfig(evaluate_every=EVERY),
        steps=steps,
        device="cpu",
        precision="fp32",
    )


@contextmanager
def _in_sqlite(home: Path) -> Iterator[str]:
    yield default_tracking_uri(home)


@contextmanager
def _on_server(home: Path) -> Iterator[str]:
    MlflowTracker(default_tracking_uri(home / "server"))
    with start_ui(home / "server") as server:
        yield server.url
