"""How much a part measures, and how it looks at the clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

__all__ = ["Size", "elapsed_s", "synchronize"]


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Attributes:
        steps: of a network whose steps are timed.
        rounds: in which they are timed; the shortest counts.
        job_steps: of a run that grows in the middle.
        packs: numbers of runs that are trained together.
        pack_steps: of each of them.
        process_steps: of each of two processes.
        trials: configurations of the study that is run shared and alone.
        suite_s: seconds that the tests may take.
    """

    steps: int = 200
    rounds: int = 4
    job_steps: int = 600
    packs: tuple[int, ...] = (1, 8, 64, 512)
    pack_steps: int = 50
    process_steps: int = 3000
    trials: int = 3
    suite_s: float = 140.0


def synchronize(device: torch.device) -> None:
    """Wait until the device has done what it was asked to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def elapsed_s(action: Callable[[], object], device: torch.device) -> float:
    """Return the seconds that `action` takes, with all that it asks of the device."""
    synchronize(device)
    began = time.perf_counter()
    action()
    synchronize(device)
    return time.perf_counter() - began
