import json

import torch

from harness.data import AbstractTask, Digits, Split, TaskData
from harness.staging.stand_in_data import sketch_of, stand_in_data

CLASSES = {"known": (0, (1, 2)), "late": (3,)}


def data(task: AbstractTask, **inputs: torch.Tensor) -> TaskData:
    """Return data with the given inputs, one target of numbers and one of classes at positions."""
    count = len(next(iter(inputs.values())))
    targets = {"load": torch.rand(count, 2), "next": torch.zeros(count, 5, dtype=torch.int64)}
    given = inputs["inputs"] if set(inputs) == {"inputs"} else inputs
    split = Split(given, torch.zeros(count, dtype=torch.int64), targets)
    return TaskData(split, split, split, task.classes)


def test_a_sketch_has_shapes_and_no_value_and_the_data_made_of_it_have_them_again() -> None:
    task = Digits(classes=CLASSES)
    real = data(task, tokens=torch.full((3, 7), 9), mask=torch.zeros(3, 7, dtype=torch.bool), x=torch.rand(3, 4))

    sketch = json.loads(json.dumps(sketch_of(real)))
    made = stand_in_data(sketch, task)

    assert sketch["inputs"] == {"tokens": ["int64", 7], "mask": ["bool", 7], "x": ["float32", 4]}
    for name, tensor in made.train.inputs.items():
        assert (tensor.shape[1:], tensor.dtype) == (real.train.inputs[name].shape[1:], real.train.inputs[name].dtype)
    assert {name: value.shape[1:] for name, value in made.train.targets.items()} == {"load": (2,), "next": (5,)}
    assert made.train.inputs["mask"].all()
    assert set(made.train.labels.tolist()) == {0, 1, 2, 3}


def test_a_single_tensor_stays_one() -> None:
    task = Digits(classes=CLASSES)

    made = stand_in_data(sketch_of(data(task, inputs=torch.rand(3, 1, 8, 8))), task)

    assert made.train.inputs.shape[1:] == (1, 8, 8)
    assert float(made.train.inputs.min()) >= 0.5
