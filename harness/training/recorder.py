"""Per-step measurements, kept on the device until many are fetched at once."""

import math

import torch
from torch import Tensor

from harness.core.errors import DivergedError
from harness.core.history import History

__all__ = ["Recorder"]


class Recorder:
    """Collects what steps measure and writes it into a history in blocks."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._steps: list[int] = []
        self._columns: dict[str, list[Tensor]] = {}
        self._settings: list[dict[str, float]] = []

    def add(self, step: int, measured: dict[str, Tensor], settings: dict[str, float]) -> None:
        """Keep what the step to `step` measured, and settings such as learning rates that it had."""
        self._steps.append(step)
        self._settings.append(settings)
        for name, value in measured.items():
            self._columns.setdefault(name, []).append(value)

    def flush(self) -> None:
        """Write everything kept into the history, under `train/`.

        Raises:
            DivergedError: a loss is NaN or infinite; the message names the component and the first such step.
        """
        if not self._steps:
            return
        table = torch.stack([torch.stack(column) for column in self._columns.values()]).double().cpu().tolist()
        columns = dict(zip(self._columns, table, strict=True))
        for index, step in enumerate(self._steps):
            row = {f"train/{name}": column[index] for name, column in columns.items()}
            _check_finite(row, step)
            self._history.record(step, row | self._settings[index])
        self._steps, self._columns, self._settings = [], {}, []


def _check_finite(row: dict[str, float], step: int) -> None:
    for name, value in row.items():
        if name.startswith("train/loss/") and not math.isfinite(value):
            raise DivergedError(f"{name} became {value} at step {step}")
