from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import SGD

from harness.core.errors import SpecError
from harness.growth import OldParameters, WidenHead, grow


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"model": "resnet18"}, "expected model of the kind Module, the network; found str"),
        ({"optimizer": None}, "expected optimizer to be one of torch's kind, or several; found NoneType"),
        ({"optimizer": [SGD]}, "found the class SGD; call it"),
        ({"operation": "widen_head"}, r"of the kind Operation, such as WidenHead\(.*\); found str"),
        ({"freeze_policy": OldParameters}, r"such as OldParameters\(\), .*; found the class OldParameters; call it"),
        ({"probe": torch.zeros(2, 3)}, r"called with: probe=Probe\(batch\); found Tensor"),
        ({"average": nn.Linear(3, 2)}, "of the kind AveragedModel, .*; found Linear"),
        ({"step": -1}, "expected step to be the number of optimizer updates so far, found -1"),
    ],
    ids=["model", "optimizer", "optimizers", "operation", "policy", "probe", "average", "step"],
)
def test_arguments_of_another_kind_are_refused_in_one_line(changes: dict[str, Any], found: str) -> None:
    model = nn.Sequential(nn.Linear(3, 2))
    arguments: dict[str, Any] = {
        "model": model,
        "optimizer": SGD(model.parameters(), lr=0.1),
        "operation": WidenHead(path="0", to=3),
    }

    with pytest.raises(SpecError, match=found) as raised:
        grow(**{**arguments, **changes})

    assert "\n" not in str(raised.value)
    assert isinstance(model[0], nn.Linear)
