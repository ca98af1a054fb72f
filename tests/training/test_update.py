import copy
import functools
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook

from harness.training.update import Update

Make = Callable[[list[nn.Parameter]], Optimizer]
MAKERS: dict[str, Make] = {
    "AdamW, fused": lambda params: AdamW(params, lr=0.01, fused=True),
    "Adam, fused, with decay": lambda params: Adam(params, lr=0.01, weight_decay=0.1, betas=(0.8, 0.9), fused=True),
    "AdamW, maximizing": lambda params: AdamW(params, lr=0.01, fused=True, maximize=True),
    "Adam that is AdamW": lambda params: Adam(
        params, lr=0.01, weight_decay=0.1, decoupled_weight_decay=True, fused=True
    ),
    "AdamW with maxima": lambda params: AdamW(params, lr=0.01, fused=True, amsgrad=True),
    "AdamW, tensor by tensor": lambda params: AdamW(params, lr=0.01),
    "SGD": lambda params: SGD(params, lr=0.01, momentum=0.9),
}


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 3), nn.Linear(3, 2))


def values(model: nn.Module, optimizer: Optimizer) -> list[Tensor]:
    states = [optimizer.state[parameter] for parameter in model.parameters()]
    moments = [state[name] for state in states for name in sorted(state) if isinstance(state[name], Tensor)]
    return [*(parameter.detach() for parameter in model.parameters()), *moments]


def train(model: nn.Module, optimizer: Optimizer, update: Callable[[], object], step: int) -> None:
    """Make one step; the last layer has no gradient in some of them, and rates change."""
    inputs = torch.randn(4, 5, generator=torch.Generator().manual_seed(step))
    optimizer.zero_grad()
    for group in optimizer.param_groups:
        group["lr"] = 0.01 / (1 + step)
    last = nn.Identity() if step in (0, 1, 4) else list(model)[-1]  # type: ignore[call-overload]
    last(nn.Sequential(*list(model)[:-1])(inputs)).square().mean().backward()  # type: ignore[call-overload]
    update()


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())
@pytest.mark.parametrize("groups", [1, 2])
def test_it_is_the_optimizers_own_step_to_the_bit(make: Make, groups: int) -> None:
    model = network()
    twin = copy.deepcopy(model)
    optimizers = []
    for net in (model, twin):
        parameters = list(net.parameters())
        optimizer = make(parameters if groups == 1 else parameters[:3])
        if groups == 2:
            optimizer.add_param_group({"params": parameters[3:], "weight_decay": 0.3})
        optimizers.append(optimizer)
    updates: list[Callable[[], object]] = [Update(optimizers[0]), optimizers[1].step]

    for step in range(8):
        for net, optimizer, update in zip((model, twin), optimizers, updates, strict=True):
            train(net, optimizer, update, step)

    for one, other in zip(values(model, optimizers[0]), values(twin, optimizers[1]), strict=True):
        assert torch.equal(one, other)


def test_a_hook_is_called_at_every_step() -> None:
    model, calls = network(), 0
    optimizer = AdamW(model.parameters(), fused=True)

    def hook(*_: object) -> None:
        nonlocal calls
        calls += 1

    optimizer.register_step_post_hook(hook)
    update = Update(optimizer)
    for step in range(3):
        train(model, optimizer, update, step)

    assert calls == 3


def test_a_scheduler_that_counts_steps_counts_them_all() -> None:
    model = network()
    optimizer = AdamW(model.parameters(), fused=True)
    counted, original = [], optimizer.step
    optimizer.step = lambda *given: counted.append(1) or original(*given)  # type: ignore[method-assign,func-returns-value]
    update = Update(optimizer)

    for step in range(3):
        train(model, optimizer, update, step)

    assert len(counted) == 3


def test_a_hook_on_all_optimizers_is_called_at_every_step() -> None:
    model, calls = network(), list[object]()
    optimizer = AdamW(model.parameters(), fused=True)
    handle = register_optimizer_step_post_hook(lambda *_: calls.append(1))
    try:
        update = Update(optimizer)
        for step in range(3):
            train(model, optimizer, update, step)
    finally:
        handle.remove()

    assert len(calls) == 3


def test_a_state_that_is_loaded_and_a_group_that_is_added_between_two_steps_are_used() -> None:
    model, twin = network(), network()
    optimizers = [AdamW(list(net.parameters())[:4], lr=0.01, fused=True) for net in (model, twin)]
    updates: list[Callable[[], object]] = [Update(optimizers[0]), optimizers[1].step]

    for step in range(6):
        for net, optimizer, update in zip((model, twin), optimizers, updates, strict=True):
            if step == 3:
                optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
            if step == 5:
                optimizer.add_param_group({"params": list(net.parameters())[4:]})
            train(net, optimizer, update, step)

    for one, other in zip(values(model, optimizers[0]), values(twin, optimizers[1]), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_fused_sgd_takes_gradients_that_come_late_as_torchs_other_sgd_does(momentum: float) -> None:
    model, twin = network(), network()
    fused = SGD(model.parameters(), lr=0.01, momentum=momentum, fused=True)
    plain = SGD(twin.parameters(), lr=0.01, momentum=momentum)
    update = Update(fused)

    for step in range(5):
        train(model, fused, update, step)
        train(twin, plain, plain.step, step)

    for one, other in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("make", list(MAKERS.values())[:4], ids=list(MAKERS)[:4])
def test_an_update_that_is_skipped_unread_is_one_that_is_not_made(make: Make) -> None:
    model = network()
    twin = copy.deepcopy(model)
    optimizers = [make(list(net.parameters())) for net in (model, twin)]
    update = Update(optimizers[0])

    for step in range(8):
        skipped = step in (3, 5)
        train(model, optimizers[0], functools.partial(update.unless, torch.tensor(float(skipped))), step)
        train(twin, optimizers[1], (lambda: None) if skipped else optimizers[1].step, step)

    assert all(map(torch.equal, values(model, optimizers[0]), values(twin, optimizers[1])))


@pytest.mark.parametrize("make", list(MAKERS.values())[4:], ids=list(MAKERS)[4:])
def test_an_optimizer_that_cannot_skip_unread_does_nothing(make: Make) -> None:
    model = network()
    optimizer, before = make(list(model.parameters())), copy.deepcopy(model.state_dict())
    update = Update(optimizer)

    train(model, optimizer, lambda: update.unless(torch.tensor(0.0)), 0)

    assert not update.unless(torch.tensor(0.0))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
