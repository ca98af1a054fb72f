from pathlib import Path

import pytest

from harness.benchmarks import data
from harness.benchmarks.data_memory import Memory


def test_memory_is_given_in_units_of_the_data_and_steps_in_those_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = []

    def memory_of(kind: str, _folder: Path, *, limit_bytes: int | None = None) -> Memory:
        limits.append(limit_bytes)
        return Memory(100, 100 + (3 * 10**8 if kind == "memory map" else 22 * 10**7))

    monkeypatch.setattr(data, "memory_of", memory_of)
    monkeypatch.setattr(data, "write_data", lambda *_: None)
    monkeypatch.setattr(data, "STEPS", (3, 3))
    monkeypatch.setattr(data, "ROUNDS", (1, 1))
    monkeypatch.setattr(data, "WORKERS", (0,))
    monkeypatch.setattr(data, "EXAMPLES", 64)
    monkeypatch.setattr(data, "STORED", (3, 10, 10))
    monkeypatch.setattr(data, "IMAGE", (3, 8, 8))
    monkeypatch.setattr(data, "_of_all_processes", iter(map(float, range(10**6))).__next__)

    figures = data.DataBenchmark().measure(quick=True)

    assert [figure.value for figure in figures[:3]] == pytest.approx([1.1] * 3)
    assert [figure.value for figure in figures[3:5]] == pytest.approx([300, 1])
    assert [figure.value for figure in figures[5:]] == [1, 1, 1]
    assert limits == [None] * 3 + [15 * 10**8] * 6
    assert all(figure.met is not False for figure in figures)
