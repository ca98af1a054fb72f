"""CIFAR-100: 60,000 small color images, 100 fine classes in 20 coarse ones."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from harness.core.errors import DataError
from harness.data._base import AbstractTask, Split, TaskData
from harness.data.download import PublishedFile, fetch
from harness.data.inert_pickle import bytes_array, read_pickle
from harness.data.normalize import Normalize
from harness.data.preprocessing import RawArray
from harness.data.sources import InMemory
from harness.data.splits import stratified_split
from harness.data.task_preprocessing import TaskPreprocessing

__all__ = ["CIFAR100"]

# Of the training images, by color.
MEAN, STD = (0.5071, 0.4866, 0.4409), (0.2673, 0.2564, 0.2762)
NORMALIZE = Normalize(scale=255, mean=MEAN, std=STD)
IMAGE, CLASSES = (3, 32, 32), {"fine": 100, "coarse": 20}

FILES = {
    "train": "735e79b04f092ca3d2e6d07f368c0a7d70d48c48d28865950cc24454cf45129b",
    "test": "4b67687d9933c4db8f0831104447f15b93774f4f464bd0516f0f0f2ac83b7864",
}


class CIFAR100(AbstractTask):
    """Inputs `[3, 32, 32]`, standardized by color; a tenth of the publisher's training images validates.

    Every fine class belongs to one coarse class; each level is a target of its name, `fine` and `coarse`. All images
    take 740 MB, or a quarter as bytes.

    Source: Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images, technical report, Toronto.

    Attributes:
        level: which classes the labels are.
        coarse: coarse classes whose images are kept, with the numbers that they and their fine classes always have;
            none given, all are.
        split_seed: of the choice of validation images; the same in all runs of a study.
        as_bytes: whether images stay bytes until a batch of them is on the device; the numbers are the same.
    """

    later: ClassVar[tuple[str, ...]] = ("as_bytes",)

    kind: Literal["cifar100"] = "cifar100"
    level: Literal["fine", "coarse"] = "fine"
    coarse: tuple[Annotated[int, Field(ge=0, lt=20)], ...] = ()
    split_seed: int = 0
    as_bytes: bool = False

    def load(self, folder: Path | None) -> TaskData:
        """Return the data, from `folder` or the publisher. Raises `DataError`."""
        pixels, levels = _read("train", folder)
        kept = self._kept(levels)
        parts = stratified_split(levels["fine"][kept], (0.9, 0.1), seed=self.split_seed)
        train, validation = (self._split(pixels, levels, kept[part]) for part in parts)
        pixels, levels = _read("test", folder)
        return TaskData(train, validation, self._split(pixels, levels, self._kept(levels)), self.classes)

    def preprocessing_from(self, folder: Path | None) -> TaskPreprocessing:  # noqa: ARG002  # numbers are published
        """Return how bytes of images, colors first, become inputs."""
        return TaskPreprocessing(RawArray(IMAGE, "uint8", IMAGE, scale=255.0, mean=MEAN, std=STD), label=self.level)

    def _kept(self, levels: dict[str, Tensor]) -> Tensor:
        wanted = torch.tensor(self.coarse or range(CLASSES["coarse"]))
        return torch.isin(levels["coarse"], wanted).nonzero().squeeze(1)

    def _split(self, pixels: Tensor, levels: dict[str, Tensor], rows: Tensor) -> Split:
        targets = {name: classes[rows] for name, classes in levels.items()}
        if self.as_bytes:
            return Split(InMemory(pixels[rows], NORMALIZE), targets[self.level], targets)
        mean, std = (torch.tensor(moments)[:, None, None] for moments in (MEAN, STD))
        # Once copied to float32, changed in place: there is never more than one such copy.
        inputs = pixels[rows].float().div_(255).sub_(mean).div_(std)
        return Split(inputs, targets[self.level], targets)


def _read(part: str, folder: Path | None) -> tuple[Tensor, dict[str, Tensor]]:
    """Return bytes `[N, 3, 32, 32]`, and classes `[N]` by level."""
    path = fetch(_file(part), folder)
    content = read_pickle(path)
    if not isinstance(content, dict) or {b"data", b"fine_labels", b"coarse_labels"} - content.keys():
        raise DataError(f"expected data, fine_labels and coarse_labels in {path}, found other things; replace it")
    try:
        pixels = bytes_array(content[b"data"]).reshape(-1, *IMAGE)
    except (ValueError, RuntimeError) as error:
        raise DataError(f"expected images {list(IMAGE)} in {path}, found none that can be read: {error}") from None
    levels = {name: _classes(content[f"{name}_labels".encode()], name, len(pixels), path) for name in CLASSES}
    return pixels, levels


def _classes(values: Any, level: str, count: int, path: Path) -> Tensor:
    if not isinstance(values, list) or not all(type(value) is int for value in values) or len(values) != count:
        found = f"{len(values)} of other values" if isinstance(values, list) else type(values).__name__
        raise DataError(f"expected {count} whole numbers as {level} labels in {path}, found {found}; replace it")
    row = next((row for row, value in enumerate(values) if not 0 <= value < CLASSES[level]), None)
    if row is not None:
        found = f"{values[row]} for image {row}"
        raise DataError(f"expected {level} labels 0 to {CLASSES[level] - 1} in {path}, found {found}; replace it")
    return torch.tensor(values)


def _file(part: str) -> PublishedFile:
    return PublishedFile(
        url="https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
        sha256=FILES[part],
        folder="cifar-100",
        member=f"cifar-100-python/{part}",
    )
