import pytest
import torch
from torch import nn
from torch.optim import SGD

from harness.core.errors import SpecError, SurgeryError
from harness.growth import AbstractFreezePolicy, WidenHead, grow, growth_state, refreeze
from harness.growth.freezing import GradualThaw, OldParameters, WarmUpThenThaw

INPUTS = torch.ones(4, 6)
PARTS = ("0", "2", "3.parts.0", "3.parts.1")


@pytest.fixture
def model() -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.5), nn.Linear(8, 8), nn.Linear(8, 3))


def trained(model: nn.Module) -> list[str]:
    return [path for path in PARTS if all(p.requires_grad for p in model.get_submodule(path).parameters())]


def grown(model: nn.Module, policy: AbstractFreezePolicy, *, step: int = 10) -> SGD:
    optimizer = SGD(model.parameters(), lr=0.1)
    grow(model, optimizer, WidenHead(path="3", to=5), freeze_policy=policy, step=step)
    return optimizer


def test_what_was_frozen_thaws_when_its_time_has_come(model: nn.Sequential) -> None:
    optimizer, history = grown(model, GradualThaw(layers=("0", "2"), every=2)), []

    for step in range(10, 17):
        frozen = refreeze(model, optimizer, step=step)
        model.train()
        model(INPUTS).sum().backward()
        history.append(trained(model))
        assert frozen == growth_state(model).frozen

    new = ["3.parts.1"]
    assert history == [new, new, ["3.parts.0", *new], ["3.parts.0", *new], [*PARTS[1:]], [*PARTS[1:]], [*PARTS]]


def test_steps_may_be_left_out_and_come_again(model: nn.Sequential) -> None:
    optimizer = grown(model, WarmUpThenThaw(steps=5))

    refreeze(model, optimizer, step=40)
    assert trained(model) == [*PARTS]
    refreeze(model, optimizer, step=12)  # training went back to an earlier checkpoint

    assert trained(model) == ["3.parts.1"]


def test_what_was_thawed_or_frozen_by_hand_stays_so(model: nn.Sequential) -> None:
    optimizer = grown(model, GradualThaw(layers=("0", "2"), every=2))
    model[0].requires_grad_(True)
    model.get_submodule("3.parts.1").requires_grad_(False)

    for step in (12, 13, 14, 20):
        refreeze(model, optimizer, step=step)
        assert trained(model) == (["0", "3.parts.0"] if step < 14 else ["0", "2", "3.parts.0"])


def test_dropout_draws_again_once_its_part_has_thawed() -> None:
    model = nn.Sequential(nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.5)), nn.Linear(8, 3))
    optimizer = SGD(model.parameters(), lr=0.1)
    grow(model, optimizer, WidenHead(path="1", to=5), freeze_policy=WarmUpThenThaw(steps=2))

    draws = []
    for step in range(4):
        refreeze(model, optimizer, step=step)
        draws.append(bool((model[0](INPUTS) == 0).any()))

    assert draws == [False, False, True, True]


def test_nothing_happens_where_nothing_is_to_happen(model: nn.Sequential) -> None:
    optimizer = SGD(model.parameters(), lr=0.1)
    assert refreeze(model, optimizer, step=3) == frozenset()

    grow(model, optimizer, WidenHead(path="3", to=5), freeze_policy=OldParameters())
    state = growth_state(model)

    assert refreeze(model, optimizer, step=300) == state.frozen
    assert growth_state(model) is state


def test_a_step_before_the_growth_is_refused(model: nn.Sequential) -> None:
    optimizer = grown(model, WarmUpThenThaw(steps=5))

    with pytest.raises(SpecError, match=r"a step from 10, that of the last growth, found 9"):
        refreeze(model, optimizer, step=9)


def test_a_thaw_that_the_optimizer_knows_nothing_of_is_refused(model: nn.Sequential) -> None:
    optimizer = SGD(model.parameters(), lr=0.1)
    grow(model, optimizer, WidenHead(path="3", to=5), freeze_policy=WarmUpThenThaw(steps=5))
    optimizer.param_groups[0]["params"].pop(0)

    with pytest.raises(SurgeryError, match=r"expected '0\.weight' in one optimizer group, found it in 0"):
        refreeze(model, optimizer, step=5)

    assert trained(model) == ["3.parts.1"]
    assert growth_state(model).age == 0


@pytest.mark.parametrize(("policy", "steps"), [(WarmUpThenThaw(steps=5), (15,)), (OldParameters(), ())])
def test_what_grow_returns_says_when_to_call_it(policy: AbstractFreezePolicy, steps: tuple[int, ...]) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    found = grow(model, optimizer, WidenHead(path="1", to=5), freeze_policy=policy, step=10)

    assert found.refreeze_at == steps
