from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset, IterableDataset, TensorDataset

from harness.core.errors import DataError
from harness.data import AbstractTask, Normalize, TaskData, load_task, split_of


class Listed(Dataset[Any]):
    def __init__(self, items: Sequence[Any]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]


class Streamed(IterableDataset[Any]):
    def __iter__(self) -> Iterator[Any]:
        return iter([([1, 2], 0), ([3, 4], 1)])


class FromTorch(AbstractTask):
    kind: Literal["test_from_torch"] = "test_from_torch"

    def load(self, folder: Path | None) -> TaskData:  # noqa: ARG002
        split = split_of(TensorDataset(torch.randn(6, 3), torch.arange(6) % 2))
        return TaskData(split, split, split, self.classes)


def test_a_data_set_of_a_study_file_is_a_task() -> None:
    data = load_task(FromTorch(classes={"known": (0, 1)}), None)

    assert data.train.inputs.shape == (6, 3)
    assert data.train.labels.tolist() == [0, 1, 0, 1, 0, 1]


def test_items_of_numpy_and_plain_numbers_are_read_with_their_targets() -> None:
    items = [(np.full((1, 2), n, dtype=np.uint8), np.int64(n), {"load": n / 2, "sort": n}) for n in range(3)]

    split = split_of(Listed(items))

    assert (split.inputs.dtype, split.inputs.tolist()) == (torch.float32, [[[0, 0]], [[1, 1]], [[2, 2]]])
    assert split.targets["load"].tolist() == [[0.0], [0.5], [1.0]]
    assert (split.targets["sort"].dtype, split.targets["sort"].tolist()) == (torch.int64, [0, 1, 2])


PIXELS = np.arange(6, dtype=np.uint8).reshape(2, 3)


@pytest.mark.parametrize(
    "image",
    [
        PIXELS[:, ::-1][:, ::-1],
        PIXELS[::-1].copy()[::-1],
        PIXELS.astype(">f4"),
        np.frombuffer(PIXELS.tobytes(), np.uint8).reshape(2, 3),
    ],
    ids=["mirrored twice", "upside down", "big-endian", "read-only"],
)
@pytest.mark.filterwarnings("error")
def test_an_array_is_read_however_it_lies_in_memory(image: np.ndarray) -> None:
    assert split_of(Listed([(image, 0)])).inputs[0].tolist() == PIXELS.tolist()


def test_a_stream_of_items_is_read_to_its_end() -> None:
    assert split_of(Streamed()).inputs.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([], "expected a data set with items, found none"),
        ([([1.0], 0), 7], r"expected \(input, label\) or \(input, label, targets\) as item 1, found 7"),
        ([(object(), 0)], "expected numbers as 'input' of item 0, found object; let the data set transform it"),
        ([([1.0], 0), ([1.0, 2.0], 0)], r"the shape \(1,\) of the first item, found \(2,\) as 'input' of item 1"),
        ([([1.0], 0.5)], "expected a class 0, 1, 2, ... as the label of item 0, found 0.5"),
        ([([1.0], [0, 1])], "expected a class 0, 1, 2, ... as the label of item 0"),
        ([([1.0], -1)], "expected a class 0, 1, 2, ... as the label of item 0, found -1"),
        ([([1.0], 0, 3)], "expected targets by name in item 0, found 3"),
        ([([1.0], 0, {"a": 1}), ([1.0], 0)], "expected the target 'a' in every item, found none in item 1"),
    ],
)
def test_an_item_that_is_something_else_is_named(items: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        split_of(Listed(items))


def test_bytes_are_kept_if_they_are_normalized_on_the_device() -> None:
    split = split_of(Listed([(PIXELS, 0), (PIXELS, 1)]), normalize=Normalize(scale=5))

    assert split.source is not None
    assert split.source.read(torch.arange(2)).dtype == torch.uint8
    assert split.take(torch.tensor([1])).inputs[0, 1].tolist() == pytest.approx([3 / 5, 4 / 5, 1])
