"""Small runs one by one, and packed."""

import functools
from collections.abc import Iterator

import torch

from harness.benchmarks._base import Figure
from harness.benchmarks.gpu_parts._base import Size, elapsed_s
from harness.core.history import History
from harness.data import Digits, TaskData
from harness.growth.rules import TriggerMonitor
from harness.models import MLP
from harness.training.config import TrainingConfig
from harness.training.loop import StageLoop
from harness.training.optimizers import AdamW
from harness.training.packing import Packs
from harness.training.state import build_model, fresh_state

__all__ = ["measure"]

MODEL = MLP(inputs=64, widths=(64, 64))
SAMPLE = 64  # runs that are trained one by one; the time of more is in proportion


def measure(device: torch.device, size: Size) -> Iterator[Figure]:
    """Yield steps/s of K runs together, one by one and in packs."""
    data = Digits(classes={"all": tuple(range(10))}).load(None).to(device)
    elapsed_s(lambda: _one_by_one(_loops(1, data, size)), device)  # kernels are loaded
    for count in size.packs:
        sample = min(count, SAMPLE)
        loops = _loops(sample, data, size)
        single = elapsed_s(functools.partial(_one_by_one, loops), device) / sample
        yield Figure(f"{count} runs one by one: steps/s of all", size.pack_steps / single)
        if count == 1:
            continue
        name = f"{count} runs in packs: steps/s of all"
        loops = _loops(count, data, size)
        if loops[0].signature is None:
            yield Figure.missing(name, f"not packed: runs on {device.type} are trained one by one")
            continue
        packed = elapsed_s(functools.partial(_together, loops, Packs(largest=count)), device) / count
        yield Figure(name, size.pack_steps / packed)
        yield Figure(f"{count} runs: one by one / in packs (wall time)", single / packed)


def _loops(count: int, data: TaskData, size: Size) -> list[StageLoop]:
    config = TrainingConfig(optimizer=AdamW(lr=2e-3), batch_size=64, evaluate_every=10**9)
    loops = []
    for seed in range(count):
        model = build_model(MODEL, output="all", outputs=10, seed=seed, device=data.train.labels.device)
        state = fresh_state(model, config.optimizer, seed=seed, precision="fp32")
        monitor, history = TriggerMonitor(()), History()
        loops.append(StageLoop(state, size.pack_steps, config=config, data=data, monitor=monitor, history=history))
    return loops


def _one_by_one(loops: list[StageLoop]) -> None:
    for loop in loops:
        loop.finish()


def _together(loops: list[StageLoop], packs: Packs) -> None:
    left = loops
    while left:
        packs.train(packs.choose(left))
        for loop in left:
            if loop.error is not None:
                raise loop.error
        left = [loop for loop in left if not loop.ended]
