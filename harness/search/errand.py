"""What a worker is sent for, again and again, and the sign of life that it gives while it is about it."""

import functools
from collections.abc import Callable, Mapping, MutableSequence, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from harness.search.commit import commit_of
from harness.search.load import load_study
from harness.search.observer import Observer
from harness.search.planned import PlannedRun
from harness.search.resumption import resumed
from harness.search.work import Work
from harness.staging.ledger import Ledger
from harness.staging.runner import Runner
from harness.staging.store import Store
from harness.tracking.live.feed import NOBODY, LiveFeed
from harness.training.determinism import make_deterministic
from harness.training.features import FeatureCache

__all__ = ["IDLE", "LOOK_AGAIN_S", "Errand", "Heartbeat", "Pulse", "Workplace", "do_errands"]

LOOK_AGAIN_S = 0.1


class Pulse(NamedTuple):
    """What is known of a worker from outside.

    Attributes:
        run: the index, among the runs of its errand, of the one that it does or did last; -1 before the first.
        began: how often it had beaten when that run began.
        beats: how often it has beaten: at every step, after every evaluation, and between runs.
        ready: how often it was ready for an errand; 0 while it starts.
    """

    run: int
    began: int
    beats: int
    ready: int = 0

    @property
    def starting(self) -> bool:
        """Whether the run has reported nothing yet: its data are loaded, perhaps downloaded."""
        return self.beats == self.began


IDLE = Pulse(-1, 0, 0)


class Heartbeat(Observer):
    """Writes a worker's pulse into four integers that another process or thread reads."""

    def __init__(self, cells: MutableSequence[int]) -> None:
        self._cells = cells
        self._index: dict[str, int] = {}

    def ready(self) -> None:
        """Say that it does no run, and can be sent for some."""
        self._cells[:] = [IDLE.run, *self._cells[1:3], self._cells[3] + 1]

    def sent(self, runs: Sequence[PlannedRun]) -> None:
        """Note the runs, whose indices are told from now on."""
        self._index = {run.name: index for index, run in enumerate(runs)}

    def run_begins(self, name: str, steps: int) -> None:  # noqa: ARG002
        """Say which run it is; the clock of its beginning starts."""
        beats = self._cells[2] + 1
        self._cells[:3] = [self._index[name], beats, beats]

    def evaluated(self, step: int, metrics: Mapping[str, float]) -> None:  # noqa: ARG002
        """Give a sign of life."""
        self.beat()

    def beat(self) -> None:
        """Give a sign of life."""
        self._cells[2] += 1


@dataclass(frozen=True)
class Workplace:
    """Where a worker works, and how, whatever it is sent for.

    Attributes:
        file: from which the study was loaded.
        alone: whether runs share nothing.
        features: whether what is frozen is computed once.
        live: whether what runs measure is written down, for who shows it, while they train.
    """

    file: Path | None
    home: Path
    storage: str | None
    store: Path
    data_folder: Path | None
    alone: bool
    features: bool
    live: bool


@dataclass(frozen=True)
class Errand:
    """What a worker is sent for.

    Attributes:
        runs: as JSON, since their classes may be those of the study's file, which is loaded first.
        forks: steps, by stage key, at which snapshots are made in passing.
    """

    runs: list[dict[str, Any]]
    forks: Mapping[str, frozenset[int]]


def do_errands(
    place: Workplace,
    arrived: Callable[[], Errand | None],
    cells: MutableSequence[int],
    stop: Callable[[], bool],
) -> None:
    """Do the runs of one errand after the other, beside other workers, until asked to stop.

    Args:
        place: where, and how.
        arrived: waits a moment for an errand; None if none came.
        cells: the four integers of the pulse.
        stop: whether to.

    Raises:
        InterruptedRunError: asked to stop in the middle of an errand.
    """
    make_deterministic()
    if place.file:
        load_study(place.file)  # for the classes that it defines
    heartbeat = Heartbeat(cells)

    def beat_and_stop() -> bool:
        heartbeat.beat()
        return stop()

    ledger = Ledger(place.home, place.storage)
    ledger.database.expect()
    store = Store(place.store, ledger)
    features = FeatureCache(folder=place.store / "features") if place.features else None
    runner = Runner(store, place.data_folder, alone=place.alone, stop=beat_and_stop, features=features)
    feed, commit = LiveFeed(place.home) if place.live else NOBODY, commit_of(str(place.file or ""))
    heartbeat.ready()
    while not stop():
        if errand := arrived():
            runs = [PlannedRun.from_json(run) for run in errand.runs]
            heartbeat.sent(runs)
            work = Work(runner, errand.forks, heartbeat, beat_and_stop, feed, commit)
            resumed(functools.partial(work.do, runs, lambda _: None))
            heartbeat.ready()
