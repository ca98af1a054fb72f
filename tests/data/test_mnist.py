import gzip
import hashlib
import os
import struct
from pathlib import Path

import pytest
import torch
from torch import Tensor

from harness.core.errors import DataError
from harness.data import MNIST, mnist

CLASSES = {"digits": tuple(range(10))}
REAL = Path(os.environ.get("HARNESS_DATA_DIR", "")) / "mnist"


def write_idx(path: Path, values: Tensor) -> str:
    header = bytes([0, 0, 8, values.dim()]) + struct.pack(f">{values.dim()}I", *values.shape)
    path.write_bytes(gzip.compress(header + values.numpy().tobytes(), mtime=0))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write(folder: Path, size: int = 28, top: int = 9) -> dict[str, str]:
    """Write 12 images of each class as both parts; return the files' checksums by name."""
    labels = torch.arange(10, dtype=torch.uint8).repeat_interleave(12).clamp(max=9) + (top - 9)
    pixels = torch.full((120, size, size), 255, dtype=torch.uint8)
    return {
        name: write_idx(folder / f"{name}-idx{values.dim()}-ubyte.gz", values)
        for part in ("train", "t10k")
        for name, values in ((f"{part}-images", pixels), (f"{part}-labels", labels))
    }


@pytest.mark.parametrize(("padding", "side", "black"), [(0, 28, 1.0), (2, 32, -0.1 / 0.2752)])
def test_padding_is_black(
    padding: int, side: int, black: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mnist, "FILES", write(tmp_path))

    data = MNIST(classes=CLASSES, padding=padding).load(tmp_path)

    mean, std = mnist.MOMENTS[padding]
    assert data.train.inputs.shape == (100, 1, side, side)
    assert len(data.validation) == 20
    assert data.test.inputs[0, 0, 16, 16].item() == pytest.approx((1 - mean) / std)
    assert data.test.inputs[0, 0, 0, 0].item() == pytest.approx(black if padding else (1 - mean) / std)
    assert torch.equal(data.train.targets["parity"], data.train.labels % 2)


@pytest.mark.parametrize(("size", "top", "found"), [(27, 9, r"\[120, 27, 27\]"), (28, 10, "found 10 for image 108")])
def test_other_contents_are_refused(
    size: int, top: int, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mnist, "FILES", write(tmp_path, size, top))

    with pytest.raises(DataError, match=found):
        MNIST(classes=CLASSES).load(tmp_path)


def test_other_files_are_not_the_publishers(tmp_path: Path) -> None:
    write(tmp_path)

    with pytest.raises(DataError, match=r"expected the publisher's train-images-idx3-ubyte\.gz"):
        MNIST(classes=CLASSES).load(tmp_path)


@pytest.mark.skipif(not (REAL / "train-images-idx3-ubyte.gz").is_file(), reason="no HARNESS_DATA_DIR with MNIST")
@pytest.mark.parametrize("padding", [0, 2])
def test_the_publishers_images_are_standardized(padding: int) -> None:
    data = MNIST(classes=CLASSES, padding=padding).load(REAL.parent)

    moments = torch.stack([data.train.inputs.mean(), data.train.inputs.std()])
    assert (len(data.train), len(data.validation), len(data.test)) == (50_004, 9_996, 10_000)
    torch.testing.assert_close(moments, torch.tensor([0.0, 1.0]), atol=0.01, rtol=0)
