import gzip
import hashlib
import os
import struct
from pathlib import Path

import pytest
import torch
from torch import Tensor

from harness.core.errors import DataError
from harness.data import FashionMNIST, TaskData, fashion_mnist
from harness.data.download import fetch

CLASSES = {"known": (0, 1, 2, 3, 4, 5, 6, 7), "late": (8, 9)}
TASK = FashionMNIST(classes=CLASSES)
REAL = Path(os.environ.get("HARNESS_DATA_DIR", "")) / "fashion-mnist"
SOURCES = ["small", "real"] if (REAL / "train-images-idx3-ubyte.gz").is_file() else ["small"]
# The small images' values are uniform in [0, 1], and not those that the constants were made for.
MOMENTS = {"small": ((0.5 - 0.2860) / 0.3530, 12**-0.5 / 0.3530), "real": (0.0, 1.0)}


def write_part(folder: Path, part: str, per_class: int) -> dict[str, str]:
    """Write images and labels as the publisher does, class by class; return their checksums by name."""
    labels = torch.arange(10, dtype=torch.uint8).repeat_interleave(per_class)
    stream = torch.Generator().manual_seed(per_class)
    pixels = torch.randint(256, (len(labels), 28, 28), dtype=torch.uint8, generator=stream)
    # The first pixel says which example it is.
    pixels[:, 0, 0] = torch.arange(len(labels)).to(torch.uint8)
    return {
        name: write_idx(folder / f"{name}-idx{values.dim()}-ubyte.gz", values)
        for name, values in ((f"{part}-images", pixels), (f"{part}-labels", labels))
    }


def write_idx(path: Path, values: Tensor) -> str:
    header = bytes([0, 0, 8, values.dim()]) + struct.pack(f">{values.dim()}I", *values.shape)
    path.write_bytes(gzip.compress(header + values.numpy().tobytes(), mtime=0))
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder with 20 training images and 3 test images of each class, and the files' checksums."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "fashion-mnist").mkdir()
    checksums = [write_part(folder / "fashion-mnist", part, count) for part, count in (("train", 20), ("t10k", 3))]
    return folder, checksums[0] | checksums[1]


@pytest.fixture
def folder(small: tuple[Path, dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the small files, which pass for the publisher's."""
    monkeypatch.setattr(fashion_mnist, "FILES", small[1])
    return small[0]


@pytest.fixture(scope="module", params=SOURCES)
def data(request: pytest.FixtureRequest, small: tuple[Path, dict[str, str]]) -> TaskData:
    """The loaded task: of the small files, and of the publisher's where they are at hand."""
    if request.param == "real":
        return TASK.load(REAL.parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fashion_mnist, "FILES", small[1])
        return TASK.load(small[0])


def example_numbers(images: Tensor) -> list[int]:
    first = images[:, 0, 0, 0] * fashion_mnist.STD + fashion_mnist.MEAN
    return [int(number) for number in (first * 255).round()]


@pytest.mark.parametrize("name", ["train", "validation", "test"])
def test_images_have_one_plane(data: TaskData, name: str) -> None:
    split = getattr(data, name)

    assert split.inputs.shape == (len(split), 1, 28, 28)
    assert split.inputs.dtype == torch.float32
    assert split.labels.dtype == torch.int64


def test_a_sixth_of_the_training_images_validates(data: TaskData) -> None:
    sizes = len(data.train), len(data.validation), len(data.test)

    assert sizes in [(170, 30, 30), (50_000, 10_000, 10_000)]


@pytest.mark.parametrize("name", ["train", "validation", "test"])
def test_every_class_is_equally_frequent(data: TaskData, name: str) -> None:
    split = getattr(data, name)

    assert split.labels.bincount().tolist() == [len(split) // 10] * 10


@pytest.mark.parametrize("name", ["train", "validation", "test"])
def test_black_and_white_lie_where_standardization_puts_them(data: TaskData, name: str) -> None:
    inputs = getattr(data, name).inputs

    ends = torch.stack([inputs.min(), inputs.max()])
    torch.testing.assert_close(ends, torch.tensor([-0.2860 / 0.3530, (1 - 0.2860) / 0.3530]))


@pytest.mark.parametrize(("data", "mean", "std"), [(name, *MOMENTS[name]) for name in SOURCES], indirect=["data"])
def test_the_publishers_images_are_standardized(data: TaskData, mean: float, std: float) -> None:
    moments = torch.stack([data.train.inputs.mean(), data.train.inputs.std()])

    torch.testing.assert_close(moments, torch.tensor([mean, std]), atol=0.01, rtol=0)


def test_images_keep_their_labels_and_no_image_is_in_two_splits(folder: Path) -> None:
    data = TASK.load(folder)

    train, validation = example_numbers(data.train.inputs), example_numbers(data.validation.inputs)
    assert sorted(train + validation) == list(range(200))
    assert [number // 20 for number in train] == data.train.labels.tolist()
    assert [number // 20 for number in validation] == data.validation.labels.tolist()
    assert example_numbers(data.test.inputs) == list(range(30))


def test_the_split_seed_moves_images_between_training_and_validation_only(folder: Path) -> None:
    data, again = TASK.load(folder), TASK.load(folder)
    other = FashionMNIST(classes=CLASSES, split_seed=1).load(folder)

    assert torch.equal(again.validation.inputs, data.validation.inputs)
    assert set(example_numbers(other.validation.inputs)) != set(example_numbers(data.validation.inputs))
    assert torch.equal(other.test.inputs, data.test.inputs)


@pytest.mark.parametrize(("group", "classes"), [(0, [0, 2, 4, 6]), (1, [1]), (2, [3]), (3, [5, 7, 9]), (4, [8])])
def test_a_garment_belongs_to_one_group(data: TaskData, group: int, classes: list[int]) -> None:
    for split in (data.train, data.validation, data.test):
        assert split.labels[split.targets["group"] == group].unique().tolist() == classes


def test_the_heads_classes_come_with_the_data(data: TaskData) -> None:
    assert data.classes == CLASSES


@pytest.mark.parametrize("name", ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"])
def test_small_files_are_not_the_publishers(small: tuple[Path, dict[str, str]], name: str, tmp_path: Path) -> None:
    file = f"{name}-ubyte.gz"
    (tmp_path / file).write_bytes((small[0] / "fashion-mnist" / file).read_bytes())

    published = fashion_mnist._file(name[:-5], int(name[-1]))

    assert published.name == file
    with pytest.raises(DataError, match=f"expected the publisher's {file}"):
        fetch(published, tmp_path)


def test_small_files_cannot_be_loaded_as_the_publishers(small: tuple[Path, dict[str, str]]) -> None:
    with pytest.raises(DataError, match=r"expected the publisher's train-images-idx3-ubyte\.gz"):
        TASK.load(small[0])


def test_four_different_files_are_published() -> None:
    assert len(set(fashion_mnist.FILES.values())) == 4
    assert all(len(bytes.fromhex(checksum)) == 32 for checksum in fashion_mnist.FILES.values())
