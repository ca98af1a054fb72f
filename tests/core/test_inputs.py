import pytest
import torch

from harness.core.inputs import Inputs, input_tensors, map_inputs, shapes_of

IDS = torch.arange(6).view(2, 3)


@pytest.mark.parametrize(
    ("inputs", "names", "words"),
    [(IDS, ["inputs"], "(3,)"), ({"ids": IDS, "mask": IDS[:, :2]}, ["ids", "mask"], "ids (3,), mask (2,)")],
    ids=["tensor", "mapping"],
)
def test_tensors_with_and_without_names_are_read_alike(inputs: Inputs, names: list[str], words: str) -> None:
    doubled = input_tensors(map_inputs(lambda tensor: tensor * 2, inputs))

    assert list(doubled) == names
    assert all(torch.equal(doubled[name], 2 * one) for name, one in input_tensors(inputs).items())
    assert shapes_of(inputs) == words
