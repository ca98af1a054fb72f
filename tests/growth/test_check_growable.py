from contextlib import AbstractContextManager

import pytest
import torch
from torch import nn
from torch.optim import SGD

from harness.core.errors import SurgeryError
from harness.growth import WidenHead, grow


def lazy() -> nn.Module:
    return nn.Sequential(nn.LazyLinear(4), nn.Linear(4, 2))


def without_values() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4, device="meta"), nn.Linear(4, 2))


def for_inference() -> nn.Module:
    with torch.inference_mode():
        return nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))


@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature")
@pytest.mark.parametrize(
    ("build", "found"),
    [
        (lazy, r"the lazy '0\.weight'; run the network once"),
        (without_values, r"'0\.weight' on the meta device; load them"),
        (for_inference, r"'0\.weight', made in inference mode; build or load"),
    ],
)
def test_tensors_that_cannot_be_trained_are_refused(build: type[nn.Module], found: str) -> None:
    model = build()

    with pytest.raises(SurgeryError, match=found):
        grow(model, SGD(model.parameters(), lr=0.1), WidenHead(path="1", to=3))

    assert isinstance(model.get_submodule("1"), nn.Linear)


@pytest.mark.parametrize(
    ("region", "found"),
    [
        (torch.inference_mode(), r"outside inference mode.* or use torch\.no_grad\(\)"),
        (torch.autocast("cpu", torch.bfloat16), "outside autocast"),
    ],
    ids=["inference mode", "autocast"],
)
def test_regions_in_which_tensors_are_others_are_refused(region: AbstractContextManager[object], found: str) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))

    with region, pytest.raises(SurgeryError, match=found):
        grow(model, SGD(model.parameters(), lr=0.1), WidenHead(path="1", to=3))

    assert isinstance(model[1], nn.Linear)


def test_no_gradients_are_needed_to_grow() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))

    with torch.no_grad():
        grow(model, SGD(model.parameters(), lr=0.1), WidenHead(path="1", to=3))
    model(torch.ones(2, 3)).sum().backward()

    assert all(parameter.grad is not None for parameter in model.parameters())
