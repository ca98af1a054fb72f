"""What a worker is sent for, and the sign of life that it gives while it is about it."""

from collections.abc import Callable, Mapping, MutableSequence, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from harness.search.load import load_study
from harness.search.observer import Observer
from harness.search.planned import PlannedRun
from harness.search.resumption import resumed
from harness.search.work import Work
from harness.staging.ledger import Ledger
from harness.staging.runner import Runner
from harness.staging.store import Store
from harness.tracking.commit import commit_of
from harness.tracking.live import NOBODY, LiveFeed
from harness.training.determinism import make_deterministic
from harness.training.features import FeatureCache

__all__ = ["IDLE", "Errand", "Heartbeat", "Pulse", "do_errand"]


class Pulse(NamedTuple):
    """What is known of a worker from outside.

    Attributes:
        run: the index, among the runs of its errand, of the one that it does or did last; -1 before the first.
        began: how often it had beaten when that run began.
        beats: how often it has beaten: at every step, after every evaluation, and between runs.
    """

    run: int
    began: int
    beats: int

    @property
    def starting(self) -> bool:
        """Whether the run has reported nothing yet: its data are loaded, perhaps downloaded."""
        return self.beats == self.began


IDLE = Pulse(-1, 0, 0)


class Heartbeat(Observer):
    """Writes a worker's pulse into three integers that another process or thread reads."""

    def __init__(self, cells: MutableSequence[int], runs: Sequence[PlannedRun]) -> None:
        self._cells = cells
        self._index = {run.name: index for index, run in enumerate(runs)}

    def run_begins(self, name: str, steps: int) -> None:  # noqa: ARG002
        """Say which run it is; the clock of its beginning starts."""
        beats = self._cells[2] + 1
        self._cells[:] = [self._index[name], beats, beats]

    def evaluated(self, step: int, metrics: Mapping[str, float]) -> None:  # noqa: ARG002
        """Give a sign of life."""
        self.beat()

    def beat(self) -> None:
        """Give a sign of life."""
        self._cells[2] += 1


@dataclass(frozen=True)
class Errand:
    """What a worker is sent for.

    Attributes:
        runs: as JSON, since their classes may be those of the study's file, which is loaded first.
        forks: steps, by stage key, at which snapshots are made in passing.
    """

    runs: list[dict[str, Any]]
    forks: Mapping[str, frozenset[int]]
    file: Path | None
    home: Path
    storage: str | None
    store: Path
    data_folder: Path | None
    alone: bool
    features: bool
    live: bool


def do_errand(errand: Errand, cells: MutableSequence[int], stop: Callable[[], bool]) -> None:
    """Do the runs, beside other workers; `cells` are the three integers of the pulse.

    Raises:
        InterruptedRunError: `stop` said so.
    """
    make_deterministic()
    if errand.file:
        load_study(errand.file)  # for the classes that it defines
    runs = [PlannedRun.from_json(run) for run in errand.runs]
    heartbeat = Heartbeat(cells, runs)

    def beat_and_stop() -> bool:
        heartbeat.beat()
        return stop()

    ledger = Ledger(errand.home, errand.storage)
    ledger.database.expect()
    store = Store(errand.store, ledger)
    features = FeatureCache(folder=errand.store / "features") if errand.features else None
    runner = Runner(store, errand.data_folder, alone=errand.alone, stop=beat_and_stop, features=features)
    feed = LiveFeed(errand.home) if errand.live else NOBODY
    work = Work(runner, errand.forks, heartbeat, beat_and_stop, feed, commit_of(str(errand.file or "")))
    resumed(lambda: work.do(runs, lambda _: None))
