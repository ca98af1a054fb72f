from pathlib import Path
from typing import Literal

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.data import AbstractTask, Digits, FashionMNIST, Split, TaskData

CPU = torch.device("cpu")


class OwnTask(AbstractTask):
    kind: Literal["own_task"] = "own_task"
    size: int = 3

    def load(self, folder: Path | None) -> TaskData:  # noqa: ARG002
        split = Split(torch.zeros(self.size, 2), torch.zeros(self.size, dtype=torch.int64))
        return TaskData(split, split.take(torch.arange(1)), split.take(torch.arange(2)), self.classes)


TASKS = [
    Digits(classes={"known": (0, 1), "late": (2,)}, split_seed=3),
    FashionMNIST(classes={"known": (9, 0)}),
    OwnTask(classes={"known": (0,)}, size=5),
]


def split_of(count: int) -> Split:
    labels = torch.arange(count)
    return Split(
        torch.arange(2.0 * count).reshape(count, 2), labels, {"square": labels**2, "half": labels[:, None] / 2}
    )


@pytest.mark.parametrize("task", TASKS, ids=repr)
def test_a_task_survives_json(task: AbstractTask) -> None:
    assert AbstractTask.model_validate(task.to_json()) == task


def test_every_task_of_the_package_is_tested_here() -> None:
    leaves = {leaf for leaf in AbstractTask.__subclasses__() if leaf.__module__.startswith("harness.")}

    assert leaves == {type(task) for task in TASKS} - {OwnTask}


def test_the_order_of_heads_and_classes_survives_json() -> None:
    task = OwnTask(classes={"z": (5, 1), "a": (3, 0)})

    back = AbstractTask.model_validate(task.to_json())

    assert list(back.classes.items()) == [("z", (5, 1)), ("a", (3, 0))]


@pytest.mark.parametrize(
    "classes", [{}, {"known": ()}, {"known": (0, 0)}, {"known": (0, 1), "late": (1,)}, {"known": (-1, 0)}]
)
def test_every_class_belongs_to_one_head(classes: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(ValidationError, match="expected every class in one head"):
        OwnTask(classes=classes)


@given(count=st.integers(1, 30), size=st.integers(1, 40))
def test_chunks_are_the_examples_in_order(count: int, size: int) -> None:
    split = split_of(count)

    chunks = list(split.chunks(size))

    assert all(len(chunk) == size for chunk in chunks[:-1])
    assert torch.equal(torch.cat([chunk.inputs for chunk in chunks]), split.inputs)
    assert torch.equal(torch.cat([chunk.labels for chunk in chunks]), split.labels)
    assert torch.equal(torch.cat([chunk.targets["half"] for chunk in chunks]), split.targets["half"])


@given(indices=st.lists(st.integers(0, 6)))
def test_taken_examples_keep_their_labels_and_targets(indices: list[int]) -> None:
    split = split_of(7)

    taken = split.take(torch.tensor(indices, dtype=torch.int64))

    assert len(taken) == len(indices)
    assert taken.labels.tolist() == indices
    assert taken.targets["square"].tolist() == [index**2 for index in indices]
    assert taken.inputs[:, 0].tolist() == [2 * index for index in indices]


def test_moved_data_keep_their_splits_and_classes() -> None:
    data = OwnTask(classes={"known": (0,)}).load(None)

    moved = data.to(CPU)

    assert [len(moved.train), len(moved.validation), len(moved.test)] == [3, 1, 2]
    assert moved.classes == data.classes
    assert moved.train.inputs.device == CPU


def test_a_head_without_classes_is_refused() -> None:
    with pytest.raises(ValidationError, match="expected heads with classes"):
        Digits(classes={"known": (0, 1), "late": ()})


@pytest.mark.parametrize("kind", [["digits"], {"digits": 1}, 7, None])
def test_a_kind_that_is_no_text_is_refused(kind: object) -> None:
    with pytest.raises(ValidationError, match="expected a kind among"):
        AbstractTask.model_validate({"kind": kind})
