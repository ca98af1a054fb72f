"""The memory that data take, each kind measured in a process of its own."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.utils.data import Dataset

from harness.core.errors import HarnessError
from harness.core.history import History
from harness.data import Arrays, Normalize, Parts, Split, TaskData, divide, load_task, sha256_of, split_of
from harness.data.sources import NpyFile
from harness.growth.rules import TriggerMonitor
from harness.models import MLP
from harness.training.config import TrainingConfig
from harness.training.loop import train_stage
from harness.training.state import build_model, fresh_state

__all__ = ["KINDS", "Memory", "memory_of", "write_data"]

CLASSES = {"known": tuple(range(10))}
SIDE = 64
ROW_BYTES = 3 * SIDE * SIDE  # of an image in bytes
STEPS, EVALUATED = 60, 2000
CONFIG = TrainingConfig(batch_size=64, evaluate_every=30)
BYTES = Normalize(scale=255)


@dataclass(frozen=True)
class Memory:
    """What a process held.

    Attributes:
        before_bytes: once everything was imported and a network had been trained on a few examples.
        peak_bytes: the most afterwards.
    """

    before_bytes: int
    peak_bytes: int

    @property
    def data_bytes(self) -> int:
        """What data took at most."""
        return self.peak_bytes - self.before_bytes


def write_data(folder: Path, kind: str, size: int) -> None:
    """Write data of about `size` bytes as a network reads them, 32-bit numbers; of a memory map, as it stores them."""
    if kind == "memory map":
        with (folder / "images.npy").open("wb") as stream:
            shape = (size // ROW_BYTES, 3, SIDE, SIDE)
            np.lib.format.write_array_header_1_0(
                stream,
                {"descr": "|u1", "fortran_order": False, "shape": shape},
            )
            stream.truncate(stream.tell() + shape[0] * ROW_BYTES)  # a file of holes takes no room on the disk
        return
    rows = torch.zeros(size // ROW_BYTES // 4, ROW_BYTES)
    labels = torch.arange(len(rows)) % 10
    if kind == "safetensors":
        save_file({"inputs": rows, "labels": labels}, folder / "own.safetensors")
    elif kind == "npz":
        np.savez(folder / "own.npz", inputs=rows.numpy(), labels=labels.numpy())
    else:
        (folder / "count").write_text(str(len(rows)))


def memory_of(kind: str, folder: Path, *, limit_bytes: int | None = None) -> Memory:
    """Train on data of some kind in a process that may map no more than `limit_bytes`.

    Raises:
        HarnessError: it ended before; for want of memory, for example.
    """
    command = [sys.executable, "-m", __spec__.name, kind, str(folder), str(limit_bytes or 0)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    if ended.returncode:
        raise HarnessError(f"expected to train on {kind}, found: {ended.stderr.strip().splitlines()[-1:]}")
    return Memory(*json.loads(ended.stdout.splitlines()[-1]))


class _Zeros(Dataset[tuple[Tensor, int]]):
    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return torch.zeros(ROW_BYTES), index % 10


def _arrays(name: str) -> Callable[[Path], TaskData]:
    def load(folder: Path) -> TaskData:
        return load_task(Arrays(path=name, sha256=sha256_of(folder / name), classes=CLASSES), folder)

    return load


def _dataset(folder: Path) -> TaskData:
    train = split_of(_Zeros(int((folder / "count").read_text())))
    few = split_of(_Zeros(100))
    return TaskData(train, few, few, CLASSES)


def _memory_map(folder: Path) -> TaskData:
    images = NpyFile(folder / "images.npy", normalize=BYTES)
    everything = Split(images, torch.arange(len(images)) % 10)
    data = divide(everything, Parts(), CLASSES)
    return TaskData(
        data.train, data.validation.part(torch.arange(min(EVALUATED, len(data.validation)))), data.test, CLASSES
    )


KINDS: dict[str, Callable[[Path], TaskData]] = {
    "safetensors": _arrays("own.safetensors"),
    "npz": _arrays("own.npz"),
    "torch data set": _dataset,
    "memory map": _memory_map,
}


def _train(data: TaskData) -> None:
    model = build_model(
        MLP(inputs=ROW_BYTES, widths=(16,)), output="known", outputs=10, seed=0, device=torch.device("cpu")
    )
    state = fresh_state(model, CONFIG.optimizer, seed=0, precision="fp32")
    train_stage(state, STEPS, config=CONFIG, data=data, monitor=TriggerMonitor(()), history=History())


def _status(field: str) -> int:
    """Return a field of Linux's account of this process, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


def _measure(kind: str, folder: Path, limit_bytes: int) -> None:
    if limit_bytes:
        resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, limit_bytes))
    few = split_of(_Zeros(500))
    _train(TaskData(few, few, few, CLASSES))
    del few
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    _train(KINDS[kind](folder))
    sys.stdout.write(json.dumps([before, _status("VmHWM")]) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    _measure(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
