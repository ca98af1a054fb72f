from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import SGD, AdamW

from harness.core.errors import SpecError
from harness.growth import WidenHead, grow


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"lr_factor": -1}, "expected lr_factor to be a finite number above 0, such as 0.1, found -1"),
        ({"lr_factor": float("nan")}, "found nan"),
        ({"lr_factor": 0.0}, "found 0"),
        ({"lr_factor": True}, "found True"),
        ({"group": {"weight_decai": 0.1}}, "found 'weight_decai'. Did you mean 'weight_decay'"),
        ({"group": {"params": []}}, "options of AdamW, found 'params'"),
        ({"group": {"lr": -1}}, r"expected group\['lr'\] to be a finite number of at least 0, found -1"),
        ({"group": {"weight_decay": float("inf")}}, "to be a finite number, found inf"),
        ({"group": {"betas": (0.9, 2.0)}}, r"group\['betas'\] that the optimizer takes, .*: Invalid beta"),
    ],
)
def test_what_trains_new_parameters_wrongly_is_refused_before_anything_is_changed(
    settings: dict[str, Any], found: str
) -> None:
    model = nn.Sequential(nn.Linear(3, 2))
    optimizer = AdamW(model.parameters(), lr=0.1)

    with pytest.raises(SpecError, match=found) as raised:
        grow(model, optimizer, WidenHead(path="0", to=3), **settings)

    assert "\n" not in str(raised.value)
    assert isinstance(model[0], nn.Linear)
    assert len(optimizer.param_groups) == 1


@pytest.mark.parametrize("own", [{"name": "new"}, {"lr": torch.tensor(0.5)}, {"weight_decay": 0.1}, {"momentum": 0.9}])
def test_options_of_the_optimizer_and_those_that_its_groups_have_are_taken(own: dict[str, Any]) -> None:
    model = nn.Sequential(nn.Linear(3, 2))
    optimizer = SGD([{"params": [*model.parameters()], "name": "old"}], lr=0.1)

    grow(model, optimizer, WidenHead(path="0", to=3), group=own)

    assert optimizer.param_groups[1].items() >= own.items()
