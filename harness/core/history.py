"""The metrics of a run by step: named columns, kept and stored to the last bit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from safetensors.numpy import load, save

__all__ = ["History", "Series"]


@dataclass
class Series:
    """One metric: `values[i]` was measured after `steps[i]` optimizer updates."""

    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def upto(self, step: int) -> "Series":
        """Return the part that was measured at `step` or before."""
        count = sum(1 for measured in self.steps if measured <= step)
        return Series(self.steps[:count], self.values[:count])

    def at(self, step: int) -> float:
        """Return the value measured at `step`, the later one if there are two.

        Raises:
            KeyError: nothing was measured at `step`.
        """
        for measured, value in zip(reversed(self.steps), reversed(self.values), strict=True):
            if measured == step:
                return value
        raise KeyError(step)


class History:
    """Named series that only grow; steps within a series never go back."""

    def __init__(self) -> None:
        self._series: dict[str, Series] = {}

    def record(self, step: int, metrics: Mapping[str, float]) -> None:
        """Append one value per name, measured after `step` updates."""
        for name, value in metrics.items():
            if (series := self._series.get(name)) is None:
                series = self._series[name] = Series()
            series.steps.append(step)
            series.values.append(value)

    def extend(self, name: str, later: Series) -> None:
        """Append `later` to the series `name`."""
        series = self._series.setdefault(name, Series())
        series.steps.extend(later.steps)
        series.values.extend(later.values)

    def __getitem__(self, name: str) -> Series:
        return self._series[name]

    def __contains__(self, name: object) -> bool:
        return name in self._series

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._series))

    def __len__(self) -> int:
        return sum(len(series.steps) for series in self._series.values())

    def __eq__(self, other: object) -> bool:
        """Compare to the bit: NaN equals the same NaN, and 0.0 differs from -0.0."""
        return isinstance(other, History) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]  # it changes

    def latest(self) -> dict[str, float]:
        """Return each metric's last value."""
        return {name: self[name].values[-1] for name in self}

    def since(self, counts: dict[str, int]) -> "History":
        """Return the points of each series after the first `counts[name]`, and update `counts` to all points."""
        part = History()
        for name in self:
            series, known = self._series[name], counts.get(name, 0)
            if len(series.steps) > known:
                part.extend(name, Series(series.steps[known:], series.values[known:]))
                counts[name] = len(series.steps)
        return part

    def upto(self, step: int) -> "History":
        """Return what was measured at `step` or before."""
        part = History()
        for name in self:
            series = self[name].upto(step)
            if series.steps:
                part.extend(name, series)
        return part

    def without(self, prefix: str) -> "History":
        """Return the series whose names do not begin with `prefix`."""
        part = History()
        for name in self:
            if not name.startswith(prefix):
                part.extend(name, self[name])
        return part

    def then(self, later: "History") -> "History":
        """Return this history followed by `later`."""
        whole = History()
        for part in (self, later):
            for name in part:
                whole.extend(name, part[name])
        return whole

    def to_bytes(self) -> bytes:
        """Return the safetensors form: `<name>:steps` int64 `[N]` and `<name>:values` float64 `[N]`."""
        columns = {}
        for name in self:
            columns[f"{name}:steps"] = np.array(self[name].steps, dtype=np.int64)
            columns[f"{name}:values"] = np.array(self[name].values, dtype=np.float64)
        content: bytes = save(columns)
        return content

    @classmethod
    def from_bytes(cls, content: bytes) -> "History":
        """Read what `to_bytes` wrote."""
        columns = load(content)
        history = cls()
        for key in sorted(columns):
            if key.endswith(":steps"):
                name = key.removesuffix(":steps")
                history.extend(name, Series(columns[key].tolist(), columns[f"{name}:values"].tolist()))
        return history

    @classmethod
    def read(cls, path: Path) -> "History":
        """Read a stored history."""
        return cls.from_bytes(path.read_bytes())
