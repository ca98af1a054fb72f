"""Two processes that train on one device, against one."""

import multiprocessing
import time
from collections.abc import Iterator
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier

import torch

from harness.benchmarks._base import Figure
from harness.benchmarks.gpu_parts._base import Size, elapsed_s
from harness.benchmarks.loop import MODELS, stage_training, training_examples
from harness.training.determinism import make_deterministic

__all__ = ["measure"]

BATCHES = 20
START_S = 60.0  # until a process has loaded torch and started the device


def measure(device: torch.device, size: Size) -> Iterator[Figure]:
    """Yield steps/s of one process, and of two at once."""
    alone = _steps_per_s(1, device, size)
    yield Figure("one process: steps/s", alone)
    both = _steps_per_s(2, device, size)
    yield Figure("two processes on one device: steps/s of both", both)
    yield Figure("two processes on one device / one (speed)", both / alone)


def _steps_per_s(count: int, device: torch.device, size: Size) -> float:
    """Return the steps that `count` processes make in a second, from when all are ready until the last has ended."""
    # A device that was started cannot be used in a fork.
    context = multiprocessing.get_context("fork") if device.type == "cpu" else multiprocessing.get_context("spawn")
    ready, done = context.Barrier(count), context.SimpleQueue()
    processes = [context.Process(target=_train, args=(str(device), size, ready, done)) for _ in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if failed := [process.exitcode for process in processes if process.exitcode]:
        raise RuntimeError(f"a process that trained ended with {failed[0]}")
    spans: list[tuple[float, float]] = [done.get() for _ in processes]
    return count * size.process_steps / (max(end for _, end in spans) - min(begin for begin, _ in spans))


def _train(name: str, size: Size, ready: Barrier, done: "SimpleQueue[tuple[float, float]]") -> None:
    make_deterministic()
    device = torch.device(name)
    spec, shape = next(iter(MODELS.values()))
    examples = training_examples(shape, 64 * BATCHES).to(device)
    stage_training(spec, examples, 5)()
    train = stage_training(spec, examples, size.process_steps)
    ready.wait(START_S)
    began = time.monotonic()  # the same clock in all processes of a machine
    elapsed_s(train, device)
    done.put((began, time.monotonic()))
