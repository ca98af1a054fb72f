"""The heartbeat of a worker: four integers by which a launch sees which run it trains, and whether it still does."""

from collections.abc import Mapping, MutableSequence, Sequence
from typing import NamedTuple

from harness.search.observer import Observer
from harness.search.run_request import RunRequest

__all__ = ["IDLE", "POLL_S", "SEVERAL", "Heartbeat", "HeartbeatWriter"]

POLL_S = 0.1  # a launch looks at its workers, and an idle worker for its next item, this often


class Heartbeat(NamedTuple):
    """The state of a worker, as it is seen from outside.

    Attributes:
        run: the index, within its work item, of the run that it trains or trained last; -1 before the first, and
            `SEVERAL` if it trains several together.
        began: the value of `beats` when that run began.
        beats: grows by one at every step, after every evaluation, and between runs.
        ready: how often it was ready for a work item; 0 while it starts.
    """

    run: int
    began: int
    beats: int
    ready: int = 0

    @property
    def starting(self) -> bool:
        """Whether the run has made no step yet: its data are being loaded, perhaps downloaded."""
        return self.beats == self.began


IDLE = Heartbeat(-1, 0, 0)
SEVERAL = -2


class HeartbeatWriter(Observer):
    """Writes a worker's heartbeat into four integers that another process or thread reads."""

    def __init__(self, values: MutableSequence[int]) -> None:
        self._values = values
        self._index: dict[str, int] = {}

    def ready(self) -> None:
        """Say that the worker trains no run and takes a work item."""
        self._values[:] = [IDLE.run, *self._values[1:3], self._values[3] + 1]

    def item_begins(self, runs: Sequence[RunRequest]) -> None:
        """Number the runs of the item that the worker begins."""
        self._index = {run.name: index for index, run in enumerate(runs)}

    def on_run_begin(self, name: str, steps: int) -> None:  # noqa: ARG002
        """Say which run begins."""
        beats = self._values[2] + 1
        self._values[:3] = [self._index[name], beats, beats]

    def on_training(self, names: Sequence[str]) -> None:
        """Say which run is trained, or that there are several."""
        self._values[0] = self._index[names[0]] if len(names) == 1 else SEVERAL
        self.beat()

    def on_evaluation(self, name: str, step: int, metrics: Mapping[str, float]) -> None:  # noqa: ARG002
        """Beat."""
        self.beat()

    def beat(self) -> None:
        """Say that the worker is alive."""
        self._values[2] += 1
