from pathlib import Path

import pytest
import torch
from torch import Tensor

from harness.core.inputs import Inputs
from harness.core.spec import with_changes
from harness.data import Digits, Normalize, Split, TaskData, load_task
from harness.data.shared_inputs import SharedInputs
from harness.data.sources import InMemory
from harness.staging.run import RunConfig
from harness.staging.runner import Runner


def data_of(inputs: Inputs) -> TaskData:
    split = Split(inputs, torch.arange(2))
    return TaskData(split, split, split, {"known": (0, 1)})


def test_tasks_that_differ_in_their_classes_have_their_inputs_in_common(tmp_path: Path) -> None:
    shared = SharedInputs()
    tasks = [Digits(classes={"known": pair}) for pair in ((0, 1), (2, 3))]

    one, other = (shared.of(load_task(task, tmp_path)) for task in tasks)

    for name in ("train", "validation", "test"):
        assert getattr(one, name).inputs is getattr(other, name).inputs
    assert (one.classes, other.classes) == ({"known": (0, 1)}, {"known": (2, 3)})


@pytest.mark.parametrize(
    ("tensor", "equal"),
    [
        (torch.tensor([[0.0, float("nan")], [1.0, 2.0]]), True),
        (torch.tensor([[-0.0, float("nan")], [1.0, 2.0]]), False),
        (torch.tensor([[0.0, float("nan")], [1.0, 2.0]], dtype=torch.float64), False),
        (torch.tensor([[0.0, float("nan"), 1.0, 2.0]]), False),
    ],
)
def test_only_the_same_bits_are_shared(tensor: Tensor, equal: bool) -> None:
    shared, first = SharedInputs(), torch.tensor([[0.0, float("nan")], [1.0, 2.0]])
    shared.of(data_of({"x": first}))

    found = shared.of(data_of({"x": tensor})).train.inputs["x"]

    assert (found is first) == equal
    assert torch.equal(found.view(torch.uint8), tensor.view(torch.uint8))


def test_a_source_is_left_as_it_is() -> None:
    source = InMemory(torch.zeros(2, 3, dtype=torch.uint8), Normalize(scale=255))

    assert SharedInputs().of(data_of(source)).train.inputs is source


def test_runs_of_other_classes_have_their_inputs_in_common(runner: Runner, digits_run: RunConfig) -> None:
    other = with_changes(digits_run, {"task.classes": {"known": (4, 5, 6, 7, 8, 9), "late": (0, 1, 2, 3)}})

    assert runner.data(other) is not runner.data(digits_run)
    assert runner.data(other).train.inputs is runner.data(digits_run).train.inputs
