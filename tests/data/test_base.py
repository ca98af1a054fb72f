from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.core.errors import DataError, SpecError
from harness.data import (
    CIFAR100,
    MNIST,
    AbstractTask,
    AnuranCalls,
    Arrays,
    Banking77,
    Clinc150,
    Digits,
    EnergyEfficiency,
    FashionMNIST,
    Letters,
    Output,
    Parts,
    Split,
    Table,
    TaskData,
    TeacherStudent,
    TinyShakespeare,
    Tokenizer,
    load_task,
)
from harness.data import _base as base

CPU = torch.device("cpu")


class OwnTask(AbstractTask):
    kind: Literal["own_task"] = "own_task"
    size: int = 3

    def load(self, folder: Path | None) -> TaskData:  # noqa: ARG002
        split = Split(torch.zeros(self.size, 2), torch.zeros(self.size, dtype=torch.int64))
        return TaskData(split, split.take(torch.arange(1)), split.take(torch.arange(2)), self.classes)


TASKS = [
    AnuranCalls(classes={"known": (0, 1)}, level="genus"),
    CIFAR100(classes={"known": (0, 1)}, level="coarse", coarse=(0, 1)),
    Digits(classes={"known": (0, 1), "late": (2,)}, split_seed=3),
    EnergyEfficiency(outputs={"heating": Output(), "cooling": Output()}, divided_by="shape"),
    FashionMNIST(classes={"known": (9, 0)}),
    Arrays(classes={"known": (0, 1)}, path="own.npz", sha256="a" * 64, parts=Parts(group="subject")),
    Table(classes={"known": (0, 1)}, path="own.csv", sha256="0" * 64, inputs=("width",), label="species"),
    TeacherStudent(outputs={"values": Output(columns=10)}, noise=0.1),
    MNIST(classes={"known": (9, 0)}, padding=2),
    Letters(classes={"known": (25, 0)}),
    Banking77(classes={"known": (76, 0)}, tokenizer=Tokenizer(length=9)),
    Clinc150(classes={"known": (149, 0)}, per_intent=3),
    TinyShakespeare(outputs={"next": Output(kind="classes", columns=65)}, length=9),
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
    with pytest.raises(SpecError, match="expected every class in one head"):
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
    with pytest.raises(SpecError, match="expected heads with classes"):
        Digits(classes={"known": (0, 1), "late": ()})


@pytest.mark.parametrize("kind", [["digits"], {"digits": 1}, 7, None])
def test_a_kind_that_is_no_text_is_refused(kind: object) -> None:
    with pytest.raises(ValidationError, match="expected a kind among"):
        AbstractTask.model_validate({"kind": kind})


class WithTargets(AbstractTask):
    kind: Literal["test_with_targets"] = "test_with_targets"
    outputs: Mapping[str, Output] = {"load": Output(columns=2)}
    wrong: str = ""

    def load(self, folder: Path | None) -> TaskData:  # noqa: ARG002
        changes = {
            "no examples": {"inputs": torch.zeros(0, 2), "labels": torch.zeros(0, dtype=torch.int64)},
            "labels that are numbers": {"labels": torch.zeros(3)},
            "NaN": {"inputs": torch.tensor([[0.0, 1], [2, float("nan")], [3, 4]])},
        }
        targets = {
            "fewer rows": torch.zeros(2, 2),
            "one column": torch.zeros(3, 1),
            "whole numbers": torch.zeros(3, 2, dtype=torch.int64),
            "infinity": torch.full((3, 2), torch.inf),
        }
        good = {"inputs": torch.zeros(3, 2), "labels": torch.zeros(3, dtype=torch.int64)}
        count = len((good | changes.get(self.wrong, {}))["inputs"])
        more = {
            "load": targets.get(self.wrong, torch.full((count, 2), 2.0)),
            "species": torch.arange(count),
        }
        fine = Split(good["inputs"], good["labels"], {"load": torch.zeros(3, 2), "species": torch.arange(3)})
        chosen = good | changes.get(self.wrong, {})
        groups = torch.zeros(2 if self.wrong == "fewer groups" else 3, dtype=torch.int64)
        return TaskData(fine, Split(chosen["inputs"], chosen["labels"], more), fine, {}, groups=groups)


def test_loaded_data_say_what_outputs_answer() -> None:
    task = WithTargets(classes={"known": (0,)}, hidden=(0,))

    data = load_task(task, None)

    assert (data.classes, data.outputs, data.hidden) == (task.classes, task.outputs, task.hidden)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("no examples", "expected examples in the validation data of 'test_with_targets', found none"),
        ("labels that are numbers", r"expected int64 labels \(3,\) in the validation data.*found torch.float32"),
        ("NaN", "expected finite 'inputs' in the validation data.*found NaN or infinity in row 1"),
        ("fewer rows", "expected 3 rows of 'load' in the validation data.*found 2"),
        (
            "one column",
            r"expected float values \(N, 2\) as target 'load' in the validation.*found torch.float32 \(3, 1\)",
        ),
        ("whole numbers", r"expected float values .* found torch.int64 \(3, 2\)"),
        ("infinity", "expected finite 'load' in the validation data.* row 0"),
        ("fewer groups", r"expected int64 groups \(3,\) of the test data of 'test_with_targets', found .* \(2,\)"),
    ],
)
def test_data_that_do_not_fit_are_one_clear_line(wrong: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_task(WithTargets(wrong=wrong), None)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (Output(target="cooling"), "no target 'cooling' in the train data.*There are: labels, load, species"),
        (Output(kind="classes", columns=2, target="species"), "expected classes 0 to 1 .* found 0 to 2"),
        (
            Output(kind="classes", columns=2, target="load"),
            r"expected int64 classes .* as target 'load'",
        ),
        (Output(kind="binary", columns=2, target="load"), r"expected values in \[0, 1\] as target 'load' in the valid"),
    ],
)
def test_a_target_that_an_output_cannot_answer_is_named(output: Output, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_task(WithTargets(outputs={"it": output}), None)


def test_outputs_may_answer_labels_and_inputs() -> None:
    outputs = {"digit": Output(kind="classes", target="labels"), "copy": Output(kind="inputs", columns=2)}

    assert load_task(WithTargets(outputs=outputs), None).outputs == outputs


def test_the_first_output_is_the_networks_own() -> None:
    task = WithTargets(classes={"known": (0, (1, 2))})

    assert list(task.sizes.items()) == [("known", 2), ("load", 2)]


def test_classes_may_share_a_column_but_not_be_in_two() -> None:
    with pytest.raises(SpecError, match="expected every class in one head"):
        OwnTask(classes={"known": (0, (1, 0))})
    with pytest.raises(SpecError, match="expected heads with classes"):
        OwnTask(classes={"known": (0, ())})


def test_a_name_belongs_to_one_output() -> None:
    with pytest.raises(SpecError, match="expected outputs with names that no head has, found 'load' twice"):
        WithTargets(classes={"load": (0,)})


def test_the_first_row_that_is_not_finite_is_found_in_any_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "CHECKED_BYTES", 16)
    values = torch.zeros(5, 2)
    values[3, 1] = torch.inf
    values[4, 0] = torch.nan

    assert base._first_not_finite(values) == 3
    assert base._first_not_finite(values[:3]) is None
