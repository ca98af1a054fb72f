"""What data cost: the memory that they take, and the processor time of steps whose examples are read."""

import io
import resource
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any, final

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional
from torch.nn.utils import get_total_norm
from torch.utils.data import DataLoader, Dataset

from harness.benchmarks._base import AbstractBenchmark, Figure, interleaved_ratio
from harness.benchmarks.data_memory import memory_of, write_data
from harness.benchmarks.loop import CONFIG, hand_written, stage_training, training_examples
from harness.core.seeding import generator
from harness.data import BatchOrder, Split
from harness.data.sources import DatasetItems
from harness.models import MLP, ConvNet
from harness.training.determinism import make_deterministic

__all__ = ["DataBenchmark"]

TENSORS_AT_MOST, SPEED_AT_LEAST, AS_IN_MEMORY_AT_LEAST = 1.2, 0.95, 0.97
TENSORS_BYTES = (10**9, 2 * 10**8)  # in full, and quickly
MAPPED_BYTES, FEW_BYTES, LIMIT_BYTES = 4 * 10**9, 4 * 10**8, 15 * 10**8
STEPS, ROUNDS = (100, 60), (18, 4)
WORKERS = (0, 1, 2)
PROCESSES = 3
STORED, IMAGE, EXAMPLES = (3, 80, 80), (3, 64, 64), 1024


@final
class DataBenchmark(AbstractBenchmark):
    """Peak memory beside the bytes of data, and steps with examples that are read beside torch's own DataLoader.

    Both loops make the same random transforms with as many workers, and the same steps with the same network.
    """

    def measure(self, *, quick: bool) -> list[Figure]:
        """Return all figures."""
        return list(self.figures(quick=quick))

    def figures(self, *, quick: bool) -> Iterator[Figure]:
        """Yield the figures of memory, then those of speed."""
        make_deterministic()
        for kind in ("safetensors", "npz", "torch data set"):
            yield _of_tensors(kind, TENSORS_BYTES[quick])
        yield from _of_a_memory_map()
        for workers in WORKERS:
            yield _speed(workers, STEPS[quick], ROUNDS[quick])
        yield _speed(0, STEPS[quick], ROUNDS[quick], decoded=True)
        yield _in_memory(STEPS[quick], ROUNDS[quick])


def _of_tensors(kind: str, size: int) -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        write_data(Path(folder), kind, size)
        memory = memory_of(kind, Path(folder))
    name = f"{size / 1e9:g} GB of tensors from {kind}: peak memory / bytes of data"
    return Figure.at_most(name, memory.data_bytes / size, TENSORS_AT_MOST)


def _of_a_memory_map() -> Iterator[Figure]:
    many, few = map(_mapped, (MAPPED_BYTES, FEW_BYTES))
    name, limit = f"a file of {MAPPED_BYTES / 1e9:g} GB under a limit of {LIMIT_BYTES / 1e9:g} GB", LIMIT_BYTES / 1e6
    yield Figure.below(f"{name}: peak memory of its data (MB)", many / 1e6, limit)
    yield Figure.at_most(f"{name}: peak memory / that of one of {FEW_BYTES / 1e9:g} GB", many / few, 1.2)


def _mapped(size: int) -> float:
    """Return the median of some processes: a few megabytes depend on what the allocator gives back, and when."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_data(folder, "memory map", size)
        return median(memory_of("memory map", folder, limit_bytes=LIMIT_BYTES).data_bytes for _ in range(PROCESSES))


class _Photographs(Dataset[tuple[Tensor, int]]):
    """Images that are decoded, cut out, mirrored and normalized at random, as people write it.

    Args:
        decoded: whether they lie decoded in memory, so that all that is left is the random transforms.
    """

    def __init__(self, *, decoded: bool) -> None:
        draws = torch.Generator().manual_seed(0)
        pixels = torch.randint(256, (EXAMPLES, *STORED), dtype=torch.uint8, generator=draws)
        self.images: Any = pixels if decoded else [_png(image) for image in pixels]
        self.labels = torch.randint(10, (EXAMPLES,), generator=draws).tolist()
        self._decoded = decoded

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = self.images[index] if self._decoded else _pixels(self.images[index])
        top, left = torch.randint(STORED[1] - IMAGE[1] + 1, (2,)).tolist()
        image = image[:, top : top + IMAGE[1], left : left + IMAGE[2]].float().div_(255)
        return (image.flip(2) if torch.rand(()) < 0.5 else image).sub(0.5).div_(0.25), self.labels[index]


def _png(image: Tensor) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def _pixels(content: bytes) -> Tensor:
    with Image.open(io.BytesIO(content)) as file:
        return torch.from_numpy(np.array(file)).permute(2, 0, 1)


def _speed(workers: int, steps: int, rounds: int, *, decoded: bool = False) -> Figure:
    dataset, spec = _Photographs(decoded=decoded), ConvNet(image=IMAGE, channels=(8, 16), hidden=32)
    examples = Split(DatasetItems(dataset, workers=workers), torch.tensor(dataset.labels))
    ours, torchs = stage_training(spec, examples, steps), _with_dataloader(spec, dataset, steps, workers)
    ratio = interleaved_ratio(ours, torchs, rounds=rounds, clock=_of_all_processes)
    what = "random transforms alone" if decoded else "images decoded and transformed at random"
    name = f"{what}, {workers} worker{'s' * (workers != 1)}: steps/s / with torch's DataLoader"
    return Figure(name, ratio) if decoded else Figure.at_least(name, ratio, SPEED_AT_LEAST)


def _with_dataloader(spec: ConvNet, dataset: _Photographs, steps: int, workers: int) -> Callable[[], object]:
    model = spec.build(10).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    order = BatchOrder(torch.arange(len(dataset)), CONFIG.batch_size, seed=0, growths=0)

    def train() -> list[float]:
        batches = [order.indices(step).tolist() for step in range(steps)]
        measured: list[Tensor] = []
        loader = DataLoader(dataset, batch_sampler=batches, num_workers=workers, generator=generator(0, "benchmark"))
        for inputs, labels in loader:
            optimizer.zero_grad(set_to_none=True)
            loss = functional.cross_entropy(model(inputs), labels)
            loss.backward()
            measured.append(get_total_norm([p.grad for p in model.parameters() if p.grad is not None]))
            optimizer.step()
            measured.append(loss.detach())
        return torch.stack(measured).tolist()

    return train


def _of_all_processes() -> float:
    """Return the processor seconds of this process and of the workers that have ended."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in spent)  # os.times() counts in hundredths of a second


def _in_memory(steps: int, rounds: int) -> Figure:
    spec, examples = MLP(inputs=784, widths=(128, 128)), training_examples((784,), 64 * steps)
    ours, plain = stage_training(spec, examples, steps), hand_written(spec, examples, steps, fused=True)
    ratio = interleaved_ratio(ours, plain, rounds=2 * rounds, clock=_of_all_processes)
    return Figure.at_least("tensors in memory: steps/s / of a loop by hand", ratio, AS_IN_MEMORY_AT_LEAST)
