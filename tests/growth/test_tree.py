import json
from collections import Counter, OrderedDict
from typing import Any

import pytest
import torch

from harness.core.errors import SpecError
from harness.growth.tree import from_tree, to_tree

VALUES: list[Any] = [
    None,
    [1, 2.5, "a", True, 2**70, float("inf")],
    (0.9, (0.999, None)),
    {"a": {"b": [()]}, "$": "no tag of ours"},
    {0: {"step": 3.0}, None: 1, 2.5: "x", (1, "a"): 2},
    Counter({30: 1, 80: 2}),
    {"dtype": torch.bfloat16, "device": torch.device("cpu")},
]


@pytest.mark.parametrize("index", range(len(VALUES)))
def test_plain_values_come_back_as_they_were(index: int) -> None:
    content = to_tree(VALUES[index], {}, "value")

    again = from_tree(json.loads(json.dumps(content)), {})

    assert again == VALUES[index]
    assert type(again) is type(VALUES[index])


def test_tensors_are_kept_apart_by_where_they_are() -> None:
    tensors: dict[str, torch.Tensor] = {}
    value = OrderedDict(state={0: {"exp_avg": torch.ones(2)}}, lists=[torch.zeros(1)])

    content = to_tree(value, tensors, "optimizer")
    again = from_tree(json.loads(json.dumps(content)), tensors)

    assert list(tensors) == ["optimizer.state.0.exp_avg", "optimizer.lists.0"]
    assert torch.equal(again["state"][0]["exp_avg"], torch.ones(2))
    assert torch.equal(again["lists"][0], torch.zeros(1))


@pytest.mark.parametrize("value", [{"a": [print]}, {torch.ones(1): 3}, {(1, print): 3}])
def test_anything_else_is_named(value: Any) -> None:
    with pytest.raises(SpecError, match="value"):
        to_tree(value, {}, "value")
