import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from harness.core.errors import DataError, SpecError
from harness.data import CIFAR100, TaskData, cifar100

CLASSES = {"known": tuple(range(50)), "late": tuple(range(50, 100))}
TASK = CIFAR100(classes=CLASSES)
FOLDER = Path(os.environ.get("HARNESS_DATA_DIR", ""))
NAME = "cifar-100-python"
HAS_REAL = any((FOLDER / below / NAME / "train").is_file() for below in ("cifar-100", ""))
Write = Callable[[Any], bytes]


def content_of(per_class: int) -> dict[bytes, Any]:
    """Return images like the publisher's; their first pixels say which ones they are."""
    fine = [number % 100 for number in range(100 * per_class)]
    pixels = np.random.default_rng(0).integers(256, size=(len(fine), 3072), dtype=np.uint8)
    pixels[:, 0], pixels[:, 1024] = fine, [number // 100 for number in range(len(fine))]
    coarse = [label % 20 for label in fine]
    return {b"data": pixels, b"fine_labels": fine, b"coarse_labels": coarse, b"filenames": [b"a.png"] * len(fine)}


def write(folder: Path, pickled: dict[str, bytes], patch: pytest.MonkeyPatch) -> None:
    """Write the files, which pass for the publisher's."""
    (folder / NAME).mkdir()
    for part, content in pickled.items():
        (folder / NAME / part).write_bytes(content)
    patch.setattr(cifar100, "FILES", {part: hashlib.sha256(content).hexdigest() for part, content in pickled.items()})


@pytest.fixture
def folder(tmp_path: Path, python2_pickle: Write, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with 10 training images and 2 test images of each class."""
    write(tmp_path, {"train": python2_pickle(content_of(10)), "test": python2_pickle(content_of(2))}, monkeypatch)
    return tmp_path


@pytest.fixture(scope="module", params=["small", "real"] if HAS_REAL else ["small"])
def data(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, python2_pickle: Write) -> TaskData:
    if request.param == "real":
        return TASK.load(FOLDER)
    folder = tmp_path_factory.mktemp("cifar")
    with pytest.MonkeyPatch.context() as patch:
        write(folder, {"train": python2_pickle(content_of(10)), "test": python2_pickle(content_of(2))}, patch)
        return TASK.load(folder)


def numbers(images: Tensor, color: int) -> list[int]:
    """Return the first pixels as they were."""
    first = images[:, color, 0, 0] * cifar100.STD[color] + cifar100.MEAN[color]
    return [int(number) for number in (first * 255).round()]


def test_a_tenth_of_each_fine_class_validates(data: TaskData) -> None:
    train, validation = data.train.labels.bincount(), data.validation.labels.bincount()

    assert torch.equal(train, 9 * validation)
    assert len(data.test.labels.unique()) == len(train) == 100


@pytest.mark.parametrize("name", ["train", "validation", "test"])
def test_every_fine_class_is_in_one_coarse_class_and_each_of_those_has_five(data: TaskData, name: str) -> None:
    targets = getattr(data, name).targets

    pairs = torch.stack([targets["fine"], targets["coarse"]], dim=1).unique(dim=0)

    assert pairs[:, 0].tolist() == list(range(100))
    assert pairs[:, 1].bincount().tolist() == [5] * 20
    assert torch.equal(targets["fine"], getattr(data, name).labels)


@pytest.mark.parametrize("name", ["train", "validation", "test"])
def test_images_have_three_colors_from_black_to_white(data: TaskData, name: str) -> None:
    inputs = getattr(data, name).inputs
    mean, std = torch.tensor(cifar100.MEAN), torch.tensor(cifar100.STD)

    assert inputs.shape == (len(getattr(data, name)), 3, 32, 32)
    assert inputs.dtype == torch.float32
    torch.testing.assert_close(inputs.amin((0, 2, 3)), -mean / std)
    torch.testing.assert_close(inputs.amax((0, 2, 3)), (1 - mean) / std)


@pytest.mark.parametrize("data", ["real"] if HAS_REAL else [], indirect=True)
def test_the_publishers_images_are_standardized(data: TaskData) -> None:
    std, mean = torch.std_mean(data.train.inputs, dim=(0, 2, 3))

    torch.testing.assert_close(mean, torch.zeros(3), atol=0.005, rtol=0)
    torch.testing.assert_close(std, torch.ones(3), atol=0.005, rtol=0)


def test_images_keep_their_labels_and_none_is_in_two_parts(folder: Path) -> None:
    data = TASK.load(folder)

    seen = [(label, number) for split in (data.train, data.validation) for label, number in _seen(split.inputs)]
    assert sorted(seen) == [(label, number) for label in range(100) for number in range(10)]
    for split in (data.train, data.validation, data.test):
        assert numbers(split.inputs, 0) == split.labels.tolist()


def _seen(images: Tensor) -> list[tuple[int, int]]:
    return list(zip(numbers(images, 0), numbers(images, 1), strict=True))


def test_rows_of_pixels_are_rows(tmp_path: Path, python2_pickle: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    content = content_of(2)
    content[b"data"][:] = 0
    content[b"data"][:, 2 * 1024 + 32 * 5 + 7] = 255  # blue, row 5, column 7
    write(tmp_path, dict.fromkeys(("train", "test"), python2_pickle(content)), monkeypatch)

    images = TASK.load(tmp_path).test.inputs

    assert (images > 1).nonzero()[:, 1:].unique(dim=0).tolist() == [[2, 5, 7]]


def test_labels_may_be_the_coarse_classes_of_the_same_images(folder: Path) -> None:
    fine, coarse = TASK.load(folder), CIFAR100(level="coarse", classes={"all": tuple(range(20))}).load(folder)

    for name in ("train", "validation", "test"):
        assert torch.equal(getattr(coarse, name).inputs, getattr(fine, name).inputs)
        assert torch.equal(getattr(coarse, name).labels, getattr(fine, name).targets["coarse"])


def test_only_some_coarse_classes_are_kept_if_asked(folder: Path) -> None:
    data = CIFAR100(coarse=(3, 1), classes={"kept": (1, 3, 21)}).load(folder)

    for split in (data.train, data.validation, data.test):
        assert split.labels.unique().tolist() == [1, 3, 21, 23, 41, 43, 61, 63, 81, 83]
    assert [len(data.train), len(data.validation), len(data.test)] == [90, 10, 20]


def test_the_split_seed_moves_images_between_training_and_validation_only(folder: Path) -> None:
    data, again = TASK.load(folder), TASK.load(folder)
    other = CIFAR100(classes=CLASSES, split_seed=1).load(folder)

    assert torch.equal(again.validation.inputs, data.validation.inputs)
    assert _seen(other.validation.inputs) != _seen(data.validation.inputs)
    assert torch.equal(other.test.inputs, data.test.inputs)


@pytest.mark.parametrize("coarse", [(20,), (-1,), ("fish",)])
def test_there_are_twenty_coarse_classes(coarse: Any) -> None:
    with pytest.raises(SpecError, match="coarse"):
        CIFAR100(classes=CLASSES, coarse=coarse)


def changed(**entries: Any) -> dict[bytes, Any]:
    return content_of(2) | {name.encode(): value for name, value in entries.items()}


FAULTS = {
    "another thing": ([1], "expected data, fine_labels and coarse_labels in .*train, found other things"),
    "without labels": ({b"data": 1}, "expected data, fine_labels and coarse_labels"),
    "no images": (changed(data=[1]), r"expected images \[3, 32, 32\] in .*: expected an array, found list"),
    "other numbers": (changed(data=np.zeros((200, 3072), np.int16)), "expected images .*: expected an array of unsign"),
    "other images": (changed(data=np.zeros((200, 3000), np.uint8)), "expected images .*train, found none"),
    "fewer images": (changed(data=np.zeros((199, 3072), np.uint8)), "expected 199 whole numbers as fine labels"),
    "fewer labels": (changed(coarse_labels=[0] * 199), "expected 200 whole numbers as coarse labels .* found 199"),
    "no labels": (changed(coarse_labels=7), "expected 200 whole numbers as coarse labels .* found int"),
    "text": (changed(fine_labels=[0] * 199 + [b"cat"]), "expected 200 whole numbers as fine labels"),
    "too great": (changed(coarse_labels=[0] * 199 + [20]), "expected coarse labels 0 to 19 .*, found 20 for image 199"),
    "negative": (changed(fine_labels=[0, -1] * 100), "expected fine labels 0 to 99 .*, found -1 for image 1"),
}


@pytest.mark.parametrize(("content", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_in_the_file_is_one_clear_line(
    content: Any, message: str, tmp_path: Path, python2_pickle: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, dict.fromkeys(("train", "test"), python2_pickle(content)), monkeypatch)

    with pytest.raises(DataError, match=message) as caught:
        TASK.load(tmp_path)

    assert "\n" not in str(caught.value)


def test_another_file_is_not_the_publishers(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "train").write_bytes(b"another file")

    with pytest.raises(DataError, match="expected the publisher's cifar-100-python/train"):
        TASK.load(tmp_path)


def test_images_that_stay_bytes_are_the_same_numbers_to_the_bit(folder: Path) -> None:
    numbers, stored = (TASK.model_copy(update={"as_bytes": as_bytes}).load(folder) for as_bytes in (False, True))
    rows = torch.tensor([3, 0, 7])

    assert torch.equal(stored.train.take(rows).inputs, numbers.train.take(rows).inputs)
    assert torch.equal(stored.test.take(rows).inputs, numbers.test.take(rows).inputs)
    assert "as_bytes" not in TASK.to_json()
