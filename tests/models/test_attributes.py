from collections import OrderedDict, defaultdict
from typing import Any

import torch
from torch import nn

from harness.models.attributes import put_back, remember_attributes, remember_tables


def test_attributes_come_back_as_the_same_objects() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    table, attributes = model[0]._parameters, vars(model[0])
    weight = model[0].weight

    restore = remember_attributes(model)
    model[0].weight = nn.Parameter(torch.zeros(3, 2))
    vars(model[0])["_parameters"] = {}
    model.append(nn.ReLU())
    vars(model[0])["late"] = 1
    restore()

    assert vars(model[0]) is attributes
    assert model[0]._parameters is table
    assert model[0].weight is weight
    assert len(model) == 1
    assert "late" not in attributes


def test_tables_lists_and_sets_keep_their_entries_and_their_order() -> None:
    owner: dict[str, Any] = {
        "table": OrderedDict(a=1, b=2),
        "list": [1, 2],
        "set": {1},
        "counts": defaultdict(int, a=1),
        "plain": 7,
    }
    held = dict(owner)

    found = remember_tables(owner)
    owner["table"].move_to_end("a")
    owner["list"].append(3)
    owner["set"].add(3)
    owner["counts"]["b"] += 1
    del owner["plain"]
    put_back(found)

    assert owner == {"table": {"a": 1, "b": 2}, "list": [1, 2], "set": {1}, "counts": {"a": 1}, "plain": 7}
    assert list(owner["table"]) == ["a", "b"]
    assert all(owner[name] is held[name] for name in held)
