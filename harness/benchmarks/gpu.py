"""All that a GPU can show, in one command of at most eight minutes."""

import time
from collections.abc import Iterator
from typing import final

import torch

from harness.benchmarks._base import AbstractBenchmark, Figure
from harness.benchmarks.gpu_parts._base import Size
from harness.benchmarks.gpu_parts.process import figures_of
from harness.core.errors import InputError

__all__ = ["LIMITS_S", "GPUBenchmark"]

LIMITS_S = {"suite": 150.0, "precision": 60.0, "steps": 90.0, "packs": 70.0, "processes": 60.0, "sharing": 70.0}
LONGEST_S, LONGEST_QUICK_S = 465.0, 170.0
QUICK = Size(
    steps=60, rounds=2, job_steps=120, packs=(1, 8, 64), pack_steps=20, process_steps=500, trials=1, suite_s=50.0
)


@final
class GPUBenchmark(AbstractBenchmark):
    """The tests that need a GPU; precisions; steps; packs; processes on one device; a study shared and alone.

    Each part runs in a process of its own. What fails, hangs or is missing is a figure that says so, and the rest goes
    on.

    Args:
        device: where it is measured.
        size: how much is measured, instead of what `quick` says.
    """

    def __init__(self, device: str = "cuda", *, size: Size | None = None) -> None:
        self._device = torch.device(device)
        self._size = size

    def measure(self, *, quick: bool) -> list[Figure]:
        """Return the figures; `quick` takes up to three minutes, of which the tests take most."""
        return list(self.figures(quick=quick))

    def figures(self, *, quick: bool) -> Iterator[Figure]:
        """Yield the figures as they are measured.

        Raises:
            InputError: there is no such device.
        """
        if self._device.type == "cuda" and not torch.cuda.is_available():
            built = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built without CUDA"
            raise InputError(
                f"expected a CUDA device to measure on, found none (torch {torch.__version__} is {built}); "
                "run it on a machine with one, with a torch that is built for it"
            )
        size = self._size or (QUICK if quick else Size())
        until = time.monotonic() + (LONGEST_QUICK_S if quick else LONGEST_S)
        for part, limit_s in LIMITS_S.items():
            left = until - time.monotonic()
            if left <= 0:
                yield Figure.missing(part, "no time was left")
            else:
                yield from figures_of(part, self._device, size, min(limit_s, left))
