import gzip
import struct
from pathlib import Path

import pytest
import torch
from torch import Tensor

from harness.core.errors import DataError
from harness.data.labeled_images import read_labeled_images


def write(folder: Path, images: Tensor, labels: Tensor) -> tuple[Path, Path]:
    paths = folder / "images.gz", folder / "labels.gz"
    for path, values in zip(paths, (images, labels), strict=True):
        header = bytes([0, 0, 8, values.dim()]) + struct.pack(f">{values.dim()}I", *values.shape)
        path.write_bytes(gzip.compress(header + values.numpy().tobytes()))
    return paths


def blank(*shape: int) -> Tensor:
    return torch.zeros(shape, dtype=torch.uint8)


def test_pixels_are_padded_with_black_and_then_standardized(tmp_path: Path) -> None:
    images = torch.full((3, 28, 28), 255, dtype=torch.uint8)
    files = write(tmp_path, images, torch.tensor([0, 9, 4], dtype=torch.uint8))

    inputs, labels = read_labeled_images(*files, moments=(0.25, 0.5), padding=1)

    assert inputs.shape == (3, 1, 30, 30)
    assert inputs[:, 0, 1:-1, 1:-1].unique().tolist() == [1.5]
    assert inputs.unique().tolist() == [-0.5, 1.5]
    assert labels.tolist() == [0, 9, 4]
    assert labels.dtype == torch.int64


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (blank(2, 27, 28), blank(2), r"expected images \[N, 28, 28\] in .*, found \[2, 27, 28\] and \[2\]; replace"),
        (blank(2, 784), blank(2), r"found \[2, 784\] and \[2\]"),
        (blank(3, 28, 28), blank(2), r"found \[3, 28, 28\] and \[2\]"),
        (blank(2, 28, 28), blank(2, 1), r"found \[2, 28, 28\] and \[2, 1\]"),
        (blank(2, 28, 28), blank(2) + 10, r"expected labels 0 to 9 in .*labels.gz, found 10 for image 0; replace"),
    ],
)
def test_files_that_are_no_such_images_are_one_clear_line(
    images: Tensor, labels: Tensor, message: str, tmp_path: Path
) -> None:
    files = write(tmp_path, images, labels)

    with pytest.raises(DataError, match=message) as caught:
        read_labeled_images(*files, moments=(0.0, 1.0))

    assert "\n" not in str(caught.value)
