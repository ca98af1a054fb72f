from collections import UserDict
from typing import Any

import pytest
import torch

from harness.models.call import tensors_in
from harness.models.resized_batch import batch_size, cropped, with_examples

SEQUENCES, MASK, POSITIONS = torch.randn(3, 4, 2), torch.ones(3, 4), torch.arange(4)[None]
BATCHES = [
    SEQUENCES,
    (SEQUENCES, MASK),
    {"x": SEQUENCES, "mask": MASK, "positions": POSITIONS},
    UserDict({"x": SEQUENCES, "mask": MASK}),
]


@pytest.mark.parametrize("inputs", BATCHES, ids=lambda inputs: type(inputs).__name__)
@pytest.mark.parametrize("count", [2, 5])
def test_a_batch_has_as_many_examples_as_wanted(inputs: Any, count: int) -> None:
    found = list(tensors_in(with_examples(inputs, count)))

    assert batch_size(inputs) == 3
    assert found[0].shape == (count, 4, 2)
    assert torch.equal(found[0][0], SEQUENCES[0])
    assert torch.equal(found[0][-1], SEQUENCES[(count - 1) % 3])
    assert all(len(tensor) in (count, 1) for tensor in found)


def test_examples_may_lie_at_another_axis() -> None:
    found, mask = with_examples((SEQUENCES.transpose(0, 1), MASK), 2, axis=1)

    assert (found.shape, mask.shape) == ((4, 2, 2), (2, 4))


def test_a_batch_without_tensors_has_no_size() -> None:
    assert batch_size("words") is None


def test_all_tensors_of_a_batch_are_cropped_alike() -> None:
    found = cropped({"x": SEQUENCES, "mask": MASK, "labels": torch.zeros(3)}, 1)

    assert [tensor.shape for tensor in tensors_in(found)] == [(3, 2, 2), (3, 2), (3,)]
