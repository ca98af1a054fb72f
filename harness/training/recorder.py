"""Measurements of steps, kept on the device and fetched many at a time."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor

from harness.core.errors import DivergedError
from harness.core.history import History, Series

__all__ = ["Recorder", "series_of"]


class Recorder:
    """Collects the measurements of steps and writes them into a history in blocks, under `train/`.

    Args:
        history: to write to.
        on_divergence: whether a loss that is NaN or infinite is an error, or is left out since its step was skipped.
    """

    def __init__(self, history: History, on_divergence: Literal["stop", "skip"] = "stop") -> None:
        self._history = history
        self._on_divergence = on_divergence
        self._kept: list[tuple[int, Mapping[str, Tensor], Mapping[str, float]]] = []

    def add(self, step: int, measured: Mapping[str, Tensor], settings: Mapping[str, float]) -> None:
        """Keep the measurements of the step to `step`, and its settings, such as learning rates."""
        self._kept.append((step, measured, settings))

    def flush(self) -> None:
        """Write all kept measurements into the history.

        Raises:
            DivergedError: a loss is NaN or infinite; the message names the component and the first such step.
        """
        if not self._kept:
            return
        steps: dict[str, list[int]] = {}
        values: dict[str, list[Tensor]] = {}
        for step, measured, _ in self._kept:
            for name, value in measured.items():
                steps.setdefault(name, []).append(step)
                values.setdefault(name, []).append(value)
        settings = series_of([step for step, _, _ in self._kept], [own for _, _, own in self._kept])
        self._kept = []
        # One transfer for all values: each one on its own would make a GPU wait.
        flat = torch.cat([torch.stack(column).double() for column in values.values()]).tolist()
        start = 0
        columns: dict[str, Series] = {}
        for name, measured_at in steps.items():
            columns[name] = Series(measured_at, flat[start : start + len(measured_at)])
            start += len(measured_at)
        self.write(settings, columns)

    def write(self, settings: Mapping[str, Series], columns: dict[str, Series]) -> None:
        """Write the settings of steps, and what was measured, by name, into the history.

        Raises:
            DivergedError: as in `flush`.
        """
        for name, series in settings.items():
            self._history.extend(f"train/{name}", series)
        if self._on_divergence == "stop":
            _check_finite(columns)
        else:
            columns = {name: _finite(series) for name, series in columns.items()}
        for name, series in columns.items():
            self._history.extend(f"train/{name}", series)


def series_of(steps: Sequence[int], rows: Sequence[Mapping[str, float]]) -> dict[str, Series]:
    """Return the values of `rows`, one a step, by name."""
    history = History()
    for name in dict.fromkeys(itertools.chain.from_iterable(rows)):
        known = [(step, row[name]) for step, row in zip(steps, rows, strict=True) if name in row]
        history.extend(name, Series([step for step, _ in known], [value for _, value in known]))
    return {name: history[name] for name in history}


def _finite(series: Series) -> Series:
    kept = [pair for pair in zip(series.steps, series.values, strict=True) if math.isfinite(pair[1])]
    return Series([step for step, _ in kept], [value for _, value in kept])


def _check_finite(columns: Mapping[str, Series]) -> None:
    bad = [
        (step, name, value)
        for name, series in columns.items()
        if name.startswith("loss/")
        for step, value in zip(series.steps, series.values, strict=True)
        if not math.isfinite(value)
    ]
    if bad:
        step, name, value = min(bad, key=lambda row: row[0])
        raise DivergedError(f"train/{name} became {value} at step {step}")
