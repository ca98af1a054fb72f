"""The state of parameters that get bigger, in what the table of optimizers does not show."""

from typing import Any

import pytest
import pytorch_optimizer as more
import schedulefree
import torch
from torch import nn
from torch.optim import Optimizer

from harness.growth import Probe, SplitClass, WidenHead, WidenLayer, grow
from tests.growth.surgery.zoo import Make, made

INPUTS = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
IN_PLACE = WidenHead(path="2", to=5, rows="in_place")


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))


def trained(make: Make, steps: int = 3) -> tuple[nn.Sequential, Optimizer]:
    model = network()
    optimizer = make(list(model.parameters()))
    switch(optimizer, "train")
    train(model, optimizer, steps)
    return model, optimizer


def switch(optimizer: Optimizer, mode: str) -> None:
    getattr(optimizer, mode, lambda: None)()


def train(model: nn.Module, optimizer: Optimizer, steps: int) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        model(INPUTS).square().mean().backward()
        optimizer.step()


def state(model: nn.Sequential, optimizer: Optimizer, name: str = "2.weight") -> dict[str, Any]:
    entries: dict[str, Any] = optimizer.state[model.get_parameter(name)]
    return entries


def test_the_point_that_an_average_begins_at_is_that_of_the_new_weights() -> None:
    model, optimizer = trained(made(schedulefree.AdamWScheduleFree, lr=0.01))
    before = state(model, optimizer)["z"].clone()

    grow(model, optimizer, IN_PLACE)

    after = state(model, optimizer)["z"]
    assert torch.equal(after[:3], before)
    assert torch.equal(after[3:], model.get_parameter("2.weight")[3:])


def test_slow_weights_move_along_where_a_growth_changes_old_entries() -> None:
    model, optimizer = trained(lambda p: more.Lookahead(torch.optim.SGD(p, lr=0.1), k=5))
    slow, fast = state(model, optimizer, "2.bias")["slow_params"].clone(), model.get_parameter("2.bias").clone()

    grow(model, optimizer, SplitClass(path="2", parent=1, children=2, rows="in_place"))

    change = model.get_parameter("2.bias")[:3] - fast
    assert change[1] < 0
    torch.testing.assert_close(state(model, optimizer, "2.bias")["slow_params"][:3], slow + change)


def test_a_step_size_of_new_entries_is_the_first_one() -> None:
    model, optimizer = trained(made(torch.optim.Rprop, lr=0.02))

    grow(model, optimizer, IN_PLACE)

    sizes = state(model, optimizer)["step_size"]
    assert len(sizes[:3].unique()) > 1
    assert bool((sizes[3:] == 0.02).all())


def test_sums_begin_where_a_fresh_optimizer_begins_them() -> None:
    model, optimizer = trained(made(torch.optim.Adagrad, lr=0.1, initial_accumulator_value=0.5))

    grow(model, optimizer, IN_PLACE)

    assert bool((state(model, optimizer)["sum"][3:] == 0.5).all())


def test_state_in_dictionaries_is_carried() -> None:
    model, optimizer = trained(made(more.AggMo, lr=0.1))

    grow(model, optimizer, IN_PLACE)
    train(model, optimizer, 1)

    assert {value.shape for value in state(model, optimizer)["momentum_buffer"].values()} == {(5, 5)}


def test_what_is_carried_in_another_order_than_it_lay_is_carried_entry_by_entry() -> None:
    model, optimizer = trained(made(torch.optim.AdamW, lr=0.1))
    before = state(model, optimizer)["exp_avg"].clone()

    grow(model, optimizer, WidenLayer(path="0", by=2), probe=Probe(INPUTS))

    after = state(model, optimizer)["exp_avg"]
    assert torch.equal(after[:, :5], before)
    assert not after[:, 5:].any()


MAKE: dict[str, Make] = {
    "Adagrad": made(torch.optim.Adagrad, lr=0.1),
    "Lookahead": lambda p: more.Lookahead(torch.optim.SGD(p, lr=0.1), k=1),
    "ScheduleFree": made(schedulefree.AdamWScheduleFree),
    "Shampoo": made(more.Shampoo, matrix_eps=0.1),
}


@pytest.mark.parametrize("name", MAKE)
def test_all_can_forget_what_they_know_of_a_tensor(name: str) -> None:
    model, optimizer = trained(MAKE[name])

    grow(model, optimizer, IN_PLACE.model_copy(update={"moments": "reset"}))
    before = model.get_parameter("2.weight").clone()
    train(model, optimizer, 1)

    assert not torch.equal(model.get_parameter("2.weight"), before)


@pytest.mark.parametrize("name", ["Adagrad", "ScheduleFree"])
def test_the_mean_over_old_rows_is_taken_of_sizes_alone(name: str) -> None:
    model, optimizer = trained(MAKE[name])
    before = {key: value.clone() for key, value in state(model, optimizer).items() if key in ("sum", "exp_avg_sq")}

    grow(model, optimizer, IN_PLACE.model_copy(update={"moments": "mean"}))

    after = state(model, optimizer)
    for key, value in before.items():
        torch.testing.assert_close(after[key][3:], value.mean(0).expand(2, -1))
    assert before
    assert "z" not in after or torch.equal(after["z"][3:], model.get_parameter("2.weight")[3:])


def test_an_average_computes_the_same_after_a_growth_that_keeps_what_it_computes() -> None:
    model, optimizer = trained(MAKE["ScheduleFree"])
    switch(optimizer, "eval")
    before = model(INPUTS)

    grow(model, optimizer, WidenLayer(path="0", by=2), probe=Probe(INPUTS))
    switch(optimizer, "train")
    switch(optimizer, "eval")

    torch.testing.assert_close(model(INPUTS), before)


def test_a_trial_leaves_the_optimizer_its_hooks_and_the_random_stream_alone() -> None:
    model, optimizer = trained(made(torch.optim.AdamW))
    calls: list[str] = []
    optimizer.register_step_post_hook(lambda *_: calls.append("step"))
    stream, kept = torch.get_rng_state(), state(model, optimizer, "0.weight")["exp_avg"].clone()

    grow(model, optimizer, IN_PLACE)
    grow(model, optimizer, WidenHead(path="2", to=6))

    assert not calls
    assert torch.equal(torch.get_rng_state(), stream)
    assert torch.equal(state(model, optimizer, "0.weight")["exp_avg"], kept)


def test_a_step_count_of_a_group_is_not_inherited() -> None:
    model, optimizer = trained(made(more.RAdam, lr=0.01), steps=20)

    grow(model, optimizer, WidenHead(path="2", to=5))
    train(model, optimizer, 1)

    assert [group["step"] for group in optimizer.param_groups] == [21, 1]
