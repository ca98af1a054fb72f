import copy
import io
from collections.abc import Callable
from typing import Literal

import pytest
import torch
from torch import nn
from torch.optim import SGD, Optimizer
from torch.optim.swa_utils import AveragedModel

from harness.core.errors import SpecError
from harness.growth import (
    AbstractFreezePolicy,
    AttachHead,
    OldParameters,
    Probe,
    Unchanged,
    WidenHead,
    WidenLayer,
    grow,
    growth_state,
)
from harness.growth.freezing import ByName, Candidate, WarmUpThenThaw
from harness.models import GrowableModel


@pytest.fixture
def model() -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


@pytest.fixture
def optimizer(model: nn.Sequential) -> SGD:
    return SGD(model.parameters(), lr=0.1)


def trained(model: nn.Module) -> list[str]:
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def test_growths_with_default_arguments_draw_different_values(model: nn.Sequential, optimizer: Optimizer) -> None:
    for outputs in (4, 5):
        grow(model, optimizer, WidenHead(path="3", to=outputs))

    first, second = (model.get_parameter(f"3.parts.{part}.weight") for part in (1, 2))
    assert not torch.equal(first, second)
    assert growth_state(model).number == 2


def test_growths_are_remembered_as_specs(model: nn.Sequential, optimizer: Optimizer) -> None:
    grow(model, optimizer, WidenHead(path="3", to=4), freeze_policy=WarmUpThenThaw(steps=5), step=7)

    (event,) = growth_state(model).lineage
    assert event.step == 7
    assert event.change.operation == WidenHead(path="3", to=4)
    assert growth_state(model).policy == WarmUpThenThaw(steps=5)
    assert "0/0.weight" in growth_state(model).frozen


def test_a_number_that_is_used_up_is_refused(model: nn.Sequential, optimizer: Optimizer) -> None:
    grow(model, optimizer, WidenHead(path="3", to=4), number=3)

    with pytest.raises(SpecError, match=r"a number above 3, .* found 3: .*; leave number out"):
        grow(model, optimizer, WidenHead(path="3", to=5), number=3)

    grow(model, optimizer, WidenHead(path="3", to=5))
    assert growth_state(model).number == 4


def test_the_next_growth_thaws_what_the_last_one_froze(model: nn.Sequential, optimizer: Optimizer) -> None:
    grow(model, optimizer, WidenHead(path="3", to=4), freeze_policy=OldParameters())
    assert trained(model) == ["3.parts.1.weight", "3.parts.1.bias"]

    grow(model, optimizer, WidenHead(path="3", to=5))

    assert trained(model) == [name for name, _ in model.named_parameters()]


def test_what_was_frozen_by_hand_stays_so_until_it_is_thawed_by_hand(
    model: nn.Sequential, optimizer: Optimizer
) -> None:
    grow(model, optimizer, WidenHead(path="3", to=4))
    model[0].requires_grad_(False)

    for outputs, policy in ((5, OldParameters()), (6, None)):
        grow(model, optimizer, WidenHead(path="3", to=outputs), freeze_policy=policy)
        assert not {"0.weight", "0.bias"} & set(trained(model))
    model[0].requires_grad_(True)
    grow(model, optimizer, WidenHead(path="3", to=7))

    assert trained(model) == [name for name, _ in model.named_parameters()]


def test_what_was_thawed_by_hand_stays_so_or_the_growth_is_refused(model: nn.Sequential, optimizer: Optimizer) -> None:
    model[0].requires_grad_(False)  # before the first growth, as when the body of a loaded network is frozen
    grow(model, optimizer, WidenHead(path="3", to=4))
    model[0].requires_grad_(True)

    with pytest.raises(SpecError, match=r"thawed by hand, found that 'old_parameters' freezes '0\.weight', '0\.bias';"):
        grow(model, optimizer, WidenHead(path="3", to=5), freeze_policy=OldParameters())
    grow(model, optimizer, WidenHead(path="3", to=5), freeze_policy=ByName(patterns=("1.*",)))
    assert {"0.weight", "0.bias"} <= set(trained(model))
    grow(model, optimizer, WidenHead(path="3", to=6), freeze_policy=OldParameters())

    assert trained(model) == ["3.parts.3.weight", "3.parts.3.bias"]


@pytest.mark.parametrize(
    "operation", [WidenHead(path="3", to=5, rows="in_place"), WidenLayer(path="0", by=4)], ids=["rows", "units"]
)
def test_entries_that_joined_a_frozen_tensor_are_refused(
    operation: WidenHead | WidenLayer, model: nn.Sequential, optimizer: Optimizer
) -> None:
    before = list(model.parameters())

    with pytest.raises(SpecError, match=r"to freeze no tensor that this growth adds entries to, found '\d\.weight'"):
        grow(model, optimizer, operation, freeze_policy=OldParameters(), probe=Probe(torch.randn(5, 6)))

    assert all(new is old for new, old in zip(model.parameters(), before, strict=True))
    assert growth_state(model).number == 0
    assert trained(model) == [name for name, _ in model.named_parameters()]


class Everything(AbstractFreezePolicy):
    kind: Literal["freezes_everything"] = "freezes_everything"

    def frozen(self, candidates: tuple[Candidate, ...], *, growth: int, age: int) -> frozenset[str]:  # noqa: ARG002
        return frozenset(candidate.id for candidate in candidates)


def test_a_policy_that_freezes_what_is_new_is_refused(model: nn.Sequential, optimizer: Optimizer) -> None:
    with pytest.raises(SpecError, match=r"found '3\.parts\.1\.weight', '3\.parts\.1\.bias', which is new; leave out"):
        grow(model, optimizer, WidenHead(path="3", to=4), freeze_policy=Everything())

    assert isinstance(model[3], nn.Linear)


def test_an_average_remembers_its_growths_too(model: nn.Sequential, optimizer: Optimizer) -> None:
    grow(model, optimizer, WidenHead(path="3", to=4), freeze_policy=OldParameters())
    average = AveragedModel(model)

    grow(model, optimizer, WidenHead(path="3", to=5), freeze_policy=OldParameters(), average=average)
    grown = average.module
    assert isinstance(grown, nn.Module)
    grow(grown, SGD(grown.parameters(), lr=0.1), WidenHead(path="3", to=6))

    assert growth_state(grown).number == 3
    assert "2/3.parts.2.weight" in growth_state(grown).identities
    assert trained(grown) == [name for name, _ in grown.named_parameters()]


def test_a_refused_growth_uses_up_no_number(model: nn.Sequential, optimizer: Optimizer) -> None:
    twin = copy.deepcopy(model)
    with pytest.raises(SpecError):
        grow(model, optimizer, WidenHead(path="3", to=2))

    grow(model, optimizer, WidenHead(path="3", to=4))
    grow(twin, SGD(twin.parameters(), lr=0.1), WidenHead(path="3", to=4))

    assert torch.equal(model.get_parameter("3.parts.1.weight"), twin.get_parameter("3.parts.1.weight"))


def pickled(model: nn.Module) -> nn.Module:
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    loaded = torch.load(file, weights_only=False)
    assert isinstance(loaded, nn.Module)
    return loaded


@pytest.mark.parametrize("duplicate", [copy.deepcopy, pickled])
def test_a_copy_remembers_its_own_modules(
    duplicate: Callable[[nn.Module], nn.Module], model: nn.Sequential, optimizer: Optimizer
) -> None:
    grow(model, optimizer, WidenHead(path="3", to=4), freeze_policy=OldParameters())

    twin = duplicate(model)
    state = growth_state(twin)
    grow(twin, SGD(twin.parameters(), lr=0.1), WidenHead(path="3", to=5))
    grow(model, optimizer, WidenHead(path="3", to=5))

    assert {id(slot.module) for slot in state.identities.values()} <= {id(module) for module in twin.modules()}
    assert trained(twin) == [name for name, _ in twin.named_parameters()]
    assert torch.equal(twin.get_parameter("3.parts.2.weight"), model.get_parameter("3.parts.2.weight"))


def test_the_state_dict_holds_nothing_of_it(model: nn.Sequential, optimizer: Optimizer) -> None:
    names = list(model.state_dict())

    grow(model, optimizer, Unchanged(), freeze_policy=OldParameters())

    assert list(model.state_dict()) == names


def test_a_network_that_wraps_one_that_has_grown_goes_on_from_there(model: nn.Sequential, optimizer: Optimizer) -> None:
    grow(model, optimizer, WidenHead(path="3", to=4), freeze_policy=OldParameters())

    whole = GrowableModel(model, "known")
    state = growth_state(whole)
    grow(whole, optimizer, AttachHead(name="late", outputs=2, tap="0"), probe=Probe(torch.randn(5, 6)))

    assert state.number == 1
    assert "0/backbone.0.weight" in state.frozen
    assert state.identities["1/backbone.3.parts.1.weight"].birth == 1
    assert growth_state(whole).number == 2
    assert trained(whole) == [name for name, _ in whole.named_parameters()]


def test_a_layer_that_joined_by_hand_is_older_than_the_next_growth(model: nn.Sequential, optimizer: Optimizer) -> None:
    grow(model, optimizer, WidenHead(path="3", to=4))
    model.insert(0, nn.Linear(6, 6))
    optimizer.add_param_group({"params": list(model[0].parameters())})

    grow(model, optimizer, WidenHead(path="4", to=5), freeze_policy=OldParameters())

    assert trained(model) == ["4.parts.2.weight", "4.parts.2.bias"]
    assert growth_state(model).identities["1/0.weight"].tensor is model[0].weight
    assert growth_state(model).identities["0/0.weight"].tensor is model[1].weight
