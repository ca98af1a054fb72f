"""What packed steps measure, kept until it is written into the history of each run."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from harness.core.history import Series
from harness.training.recorder import series_of

if TYPE_CHECKING:
    from harness.training.loop import StageLoop

__all__ = ["PackRecorder"]


class PackRecorder:
    """Keeps the measurements of packed steps of `loops`."""

    def __init__(self, loops: Sequence["StageLoop"]) -> None:
        self._loops = loops
        self._kept: list[Mapping[str, Tensor]] = []
        self._steps: list[list[int]] = [[] for _ in loops]
        self._settings: list[list[dict[str, float]]] = [[] for _ in loops]

    def add(self, measured: Mapping[str, Tensor]) -> None:
        """Keep what a step of all loops measured, `[K]` by name."""
        self._kept.append(measured)
        for loop, steps, settings in zip(self._loops, self._steps, self._settings, strict=True):
            steps.append(loop.state.step)
            settings.append(loop.settings())

    def flush(self) -> None:
        """Write what was kept into each loop's history; a loop that diverged ends with its error."""
        if not self._kept:
            return
        values: dict[str, list[Tensor]] = {}
        places: dict[str, list[int]] = {}
        for place, measured in enumerate(self._kept):
            for name, value in measured.items():
                values.setdefault(name, []).append(value)
                places.setdefault(name, []).append(place)
        columns = {name: torch.stack(rows).double().T.tolist() for name, rows in values.items()}
        for row, loop in enumerate(self._loops):
            steps = self._steps[row]
            series = {name: Series([steps[place] for place in places[name]], columns[name][row]) for name in columns}
            loop.attempt(loop.recorder.write, series_of(steps, self._settings[row]), series)
            self._steps[row], self._settings[row] = [], []
        self._kept = []
