"""What every loss that keeps a state promises of it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from harness.losses import AbstractLoss, Batch, Learned, LossState, Move, SeenExample
from tests.conformance.test_losses import LOSSES, batch_of

KEEPERS = [loss for loss in LOSSES if loss.keeps_state]
VALUES = {"0/weight": torch.arange(6.0).reshape(2, 3) / 7, "0/bias": torch.ones(2)}


def learned() -> Learned:
    """Return what a network without hidden layers has learned from five examples."""
    leaves = {key: value.clone().requires_grad_() for key, value in VALUES.items()}
    inputs = torch.rand(5, 1, 3, generator=torch.Generator().manual_seed(2))

    def examples(count: int) -> Iterator[SeenExample]:
        for each in inputs[:count]:
            logits = each @ leaves["0/weight"].T + leaves["0/bias"]
            loss = torch.nn.functional.cross_entropy(logits, torch.tensor([1]))
            yield SeenExample(loss, {"it": logits}, {"it": logits}, leaves)

    return Learned(VALUES, examples)


def lived(loss: AbstractLoss) -> list[LossState]:
    """Return the states that `loss` has from the start, over an update, two arrivals and a new parameter."""
    states = [loss.begin({}, VALUES)]
    gradients = {key: torch.full_like(value, 0.5) for key, value in VALUES.items()}
    moved = {key: value - 0.1 for key, value in VALUES.items()}
    states.append(loss.after_update(states[-1], Move(moved, VALUES, gradients)))
    states.append(loss.before_arrival(states[-1], learned()))
    states.append(loss.begin(states[-1], {**VALUES, "1/new": torch.zeros(4)}))
    states.append(loss.before_arrival(states[-1], replace(learned(), values={**VALUES, "1/new": torch.ones(4)})))
    return states


def with_state(state: LossState) -> Batch:
    parameters = {key: value + 1.0 for key, value in {**VALUES, "1/new": torch.zeros(4)}.items()}
    return replace(batch_of(), states={"it": state}, parameters=parameters)


@pytest.mark.parametrize("loss", KEEPERS, ids=repr)
def test_a_state_is_tensors_of_the_shapes_of_their_parameters(loss: AbstractLoss) -> None:
    shapes = {key: value.shape for key, value in {**VALUES, "1/new": torch.zeros(4)}.items()}

    for state in lived(loss):
        for what, tensors in state.items():
            assert "/" not in what
            assert {key: value.shape for key, value in tensors.items()}.items() <= shapes.items()
            assert not any(value.requires_grad or value.isnan().any() for value in tensors.values())


@pytest.mark.parametrize("loss", KEEPERS, ids=repr)
def test_there_is_a_component_from_the_first_arrival_on_and_where_it_begins_it_pulls_nowhere(
    loss: AbstractLoss,
) -> None:
    states = lived(loss)
    at_anchor = replace(with_state(states[2]), parameters=VALUES)

    assert [bool(loss.components("it", with_state(state))) for state in states] == [False, False, True, True, True]
    assert loss.components("it", at_anchor)["it"].item() == 0.0


@pytest.mark.parametrize("loss", KEEPERS, ids=repr)
def test_a_stage_that_goes_on_begins_with_the_state_that_it_had(loss: AbstractLoss) -> None:
    for state in lived(loss)[3:4]:
        again = loss.begin(state, {key: value + 1 for key, value in {**VALUES, "1/new": torch.zeros(4)}.items()})

        assert again.keys() == state.keys()
        assert all(torch.equal(again[what][key], state[what][key]) for what in state for key in state[what])


@pytest.mark.parametrize("loss", KEEPERS, ids=repr)
def test_the_order_of_a_state_which_is_not_saved_changes_no_bit(loss: AbstractLoss) -> None:
    values = {f"0/{number}": torch.ones(1) for number in range(40)}
    # A large term first swallows small ones that it does not swallow if they come first.
    amounts = {key: value * (2.0**-24 if number else 1.0) for number, (key, value) in enumerate(values.items())}
    state = {"importance": amounts, "anchor": {key: torch.zeros(1) for key in values}}
    turned = {what: dict(reversed(tensors.items())) for what, tensors in reversed(state.items())}

    one, other = (
        loss.components("it", replace(batch_of(), states={"it": each}, parameters=values)) for each in (state, turned)
    )

    assert torch.equal(one["it"], other["it"])


@pytest.mark.parametrize("loss", KEEPERS, ids=repr)
def test_what_a_loss_makes_of_its_state_leaves_the_earlier_one_as_it_was(loss: AbstractLoss) -> None:
    state = lived(loss)[3]
    before = {what: {key: value.clone() for key, value in tensors.items()} for what, tensors in state.items()}

    loss.before_arrival(state, replace(learned(), values={**VALUES, "1/new": torch.ones(4)}))
    gradients = {key: torch.ones_like(value) for key, value in VALUES.items()}
    loss.after_update(state, Move(VALUES, {key: value + 1 for key, value in VALUES.items()}, gradients))

    assert before.keys() == state.keys()
    assert all(torch.equal(before[what][key], state[what][key]) for what in state for key in state[what])
