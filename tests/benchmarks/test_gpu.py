import time
from collections.abc import Iterator

import pytest
import torch

from harness.benchmarks import gpu
from harness.benchmarks._base import Figure
from harness.benchmarks.gpu_parts._base import Size
from harness.core.errors import InputError


def figures_in_turn(part: str, device: torch.device, size: Size, limit_s: float) -> Iterator[Figure]:
    yield Figure(f"{part} on {device}, {size.steps} steps", limit_s)


def test_every_part_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "figures_of", figures_in_turn)

    figures = gpu.GPUBenchmark("cpu").measure(quick=True)

    assert [figure.figure for figure in figures] == [f"{part} on cpu, 60 steps" for part in gpu.LIMITS_S]
    assert sum(figure.value for figure in gpu.GPUBenchmark("cpu").figures(quick=False)) <= 8 * 60 * 1.1


def test_the_whole_takes_no_longer_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "figures_of", figures_in_turn)
    clock = iter([0.0, 0.0, 460.0, *[470.0] * 9])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))

    figures = gpu.GPUBenchmark("cpu").measure(quick=False)

    assert [figure.value for figure in figures[:2]] == [gpu.LIMITS_S["suite"], 5.0]
    assert {figure.note for figure in figures[2:]} == {"no time was left"}


def test_without_a_gpu_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    with pytest.raises(InputError, match=r"expected a CUDA device.*found none.*with a torch that is built for it"):
        gpu.GPUBenchmark().measure(quick=True)
