"""A folder of images, one folder a class."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness.core.errors import DataError
from harness.data.sources._items import AbstractItems
from harness.data.sources.digests import digest_of_files

__all__ = ["ImageFolder"]

ENDINGS = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}


class ImageFolder(AbstractItems):
    """Images in `<path>/<class>/...`, bytes `[3, H, W]`; classes are numbered in the order of their names.

    Args:
        path: of the folder.
        size: (H, W) to which images are scaled; without it they all have to be of one size.
        mode: `RGB` for three channels, `L` for one.
        settings: `normalize`, `workers` and `digest`, as in `AbstractItems`.

    Attributes:
        classes: the names of the folders, in order.

    Raises:
        DataError: there is no image.
    """

    def __init__(
        self, path: str | Path, *, size: tuple[int, int] | None = None, mode: str = "RGB", **settings: Any
    ) -> None:
        super().__init__(**settings)
        self._root, self._size, self._mode = Path(path), size, mode
        found = sorted(file for file in self._root.glob("*/**/*") if file.suffix.lower() in ENDINGS)
        self._files = [file.relative_to(self._root).as_posix() for file in found]
        self.classes = tuple(sorted({name.partition("/")[0] for name in self._files}))
        if not self._files:
            raise DataError(f"expected images in {path}, a folder of folders, one a class; found none")

    def __len__(self) -> int:
        return len(self._files)

    def item(self, index: int) -> Tensor:
        """Return the pixels of an image, bytes `[C, H, W]`."""
        from PIL import Image  # takes every process that imports this package a tenth of a second

        with Image.open(self._root / self._files[index]) as file:
            image = file.convert(self._mode)
        if self._size is not None and image.size != self._size[::-1]:
            image = image.resize(self._size[::-1], Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.array(image))
        return pixels[None] if pixels.dim() == 2 else pixels.permute(2, 0, 1)

    def labels(self) -> Tensor:
        """Return the classes `[N]`, by the folders."""
        number = {name: place for place, name in enumerate(self.classes)}
        return torch.tensor([number[name.partition("/")[0]] for name in self._files])

    @cached_property
    def digest(self) -> str:
        """A digest of the names and sizes of all files, and of the content of some."""
        return f"{self._digest or digest_of_files(self._root, self._files)} {self._size} {self._mode}"
