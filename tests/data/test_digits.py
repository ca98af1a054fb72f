import pytest
import torch
from sklearn.datasets import load_digits

from harness.data import Digits, Split, TaskData

CLASSES = {"known": (0, 1, 2, 3, 4, 5), "late": (6, 7, 8, 9)}


@pytest.fixture(scope="module")
def data() -> TaskData:
    return Digits(classes=CLASSES).load(None)


def rows(split: Split) -> list[tuple[float, ...]]:
    return [tuple(row) for row in torch.cat([split.inputs, split.labels[:, None]], dim=1).tolist()]


def test_half_trains_a_fifth_validates_and_the_rest_tests(data: TaskData) -> None:
    sizes = [len(split) for split in (data.train, data.validation, data.test)]

    assert sum(sizes) == 1797
    assert [round(size / 1797, 2) for size in sizes] == [0.5, 0.2, 0.3]


@pytest.mark.parametrize("name", ["train", "validation", "test"])
def test_inputs_lie_in_the_unit_interval(data: TaskData, name: str) -> None:
    split = getattr(data, name)

    assert split.inputs.shape == (len(split), 64)
    assert split.inputs.dtype == torch.float32
    assert split.labels.dtype == torch.int64
    assert (split.inputs.min(), split.inputs.max()) == (0, 1)


@pytest.mark.parametrize("name", ["train", "validation", "test"])
def test_every_class_is_in_every_split(data: TaskData, name: str) -> None:
    shares = getattr(data, name).labels.bincount() / len(getattr(data, name))

    assert shares.shape == (10,)
    assert (shares - 0.1).abs().max() < 0.01


def test_the_splits_together_are_the_whole_data_set(data: TaskData) -> None:
    other = Digits(classes=CLASSES, split_seed=1).load(None)

    everything = [sorted(rows(d.train) + rows(d.validation) + rows(d.test)) for d in (data, other)]
    assert everything[0] == everything[1]


def test_they_are_scikit_learns_digits(data: TaskData) -> None:
    pixels, labels = load_digits(return_X_y=True)

    expected = Split(torch.from_numpy(pixels).float() / 16, torch.from_numpy(labels))
    assert sorted(rows(data.train) + rows(data.validation) + rows(data.test)) == sorted(rows(expected))


def test_the_same_split_seed_gives_the_same_examples(data: TaskData) -> None:
    again = Digits(classes=CLASSES).load(None)

    assert torch.equal(again.train.inputs, data.train.inputs)
    assert torch.equal(again.test.labels, data.test.labels)


def test_another_split_seed_gives_other_examples(data: TaskData) -> None:
    other = Digits(classes=CLASSES, split_seed=1).load(None)

    assert set(rows(other.test)) != set(rows(data.test))


def test_the_heads_classes_come_with_the_data(data: TaskData) -> None:
    assert data.classes == CLASSES


def test_a_linear_map_learns_the_labels(data: TaskData) -> None:
    targets = torch.nn.functional.one_hot(data.train.labels).float()

    solution = torch.linalg.lstsq(data.train.inputs, targets, driver="gelsd").solution

    right = (data.test.inputs @ solution).argmax(dim=1) == data.test.labels
    assert right.float().mean() > 0.9
