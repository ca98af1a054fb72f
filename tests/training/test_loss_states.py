"""What losses keep follows a growth as the optimizer's state does."""

import torch
from torch import nn

from harness.data import TaskData
from harness.growth import AlignRows, AttachHead, NoFreezing, ReplaceHead, WidenHead, WidenLayer
from harness.growth.lineage import Change
from harness.growth.operations import AbstractOperation
from harness.growth.probe import Probe
from harness.losses import LossState
from harness.training.state import TrainState

CONV, HIDDEN, OUTPUT = "0/backbone.blocks.0.conv.weight", "0/backbone.blocks.1.conv.weight", "0/backbone.output.weight"


def with_state(state: TrainState) -> dict[str, nn.Parameter]:
    """Let all parameters be important, each value in its own measure; return them."""
    parameters = state.learnable
    ramps = {k: torch.arange(1.0, 1 + value.numel()).view_as(value) for k, value in parameters.items()}
    anchors = {key: value.detach() - 1 for key, value in parameters.items()}
    state.loss_states = {"ewc": {"importance": ramps, "anchor": anchors}}
    return parameters


def grown(state: TrainState, operation: AbstractOperation, data: TaskData) -> LossState:
    state.grow(Change(operation=operation, freeze=NoFreezing()), probe=Probe(data.validation.inputs[:4]))
    return state.loss_states["ewc"]


def test_new_units_are_free_and_old_ones_as_important_as_before(state: TrainState, data: TaskData) -> None:
    before = with_state(state)
    old = dict(state.loss_states["ewc"]["importance"])

    kept = grown(state, WidenLayer(path="blocks.0.conv", by=2), data)

    new, shape = kept["importance"][CONV], before[CONV].shape
    assert new.shape == state.learnable[CONV].shape != shape
    assert torch.equal(new[: shape[0]], old[CONV])
    assert new[shape[0] :].count_nonzero() == 0
    assert torch.equal(kept["importance"][HIDDEN][:, : shape[0]], old[HIDDEN])
    distance = state.learnable[CONV].detach() - kept["anchor"][CONV]
    torch.testing.assert_close(distance[: shape[0]], torch.ones(shape))


def test_anchors_move_along_with_values_that_the_growth_itself_changes(state: TrainState, data: TaskData) -> None:
    before = with_state(state)[OUTPUT].detach().clone()

    kept = grown(state, AlignRows(path="output", first=2), data)

    after = state.learnable[OUTPUT].detach()
    assert not torch.allclose(after, before)
    torch.testing.assert_close(after - kept["anchor"][OUTPUT], torch.ones_like(after))


def test_what_is_gone_is_forgotten_and_what_is_born_has_no_state(state: TrainState, data: TaskData) -> None:
    with_state(state)
    untouched = state.loss_states["ewc"]["importance"][CONV]

    kept = grown(state, AttachHead(name="late", outputs=2, tap="hidden"), data)
    assert kept["importance"][CONV] is untouched
    assert not any(key.startswith("1/") for key in kept["importance"])

    kept = grown(state, ReplaceHead(path="output", to=5), data)
    assert not any(key.startswith("2/") for key in kept["importance"])
    assert kept["importance"].keys() <= state.learnable.keys()


def test_rows_of_their_own_leave_the_old_ones_alone(state: TrainState, data: TaskData) -> None:
    with_state(state)
    old = state.loss_states["ewc"]["importance"][OUTPUT]

    kept = grown(state, WidenHead(path="output", to=5), data)

    assert [value is old for value in kept["importance"].values()].count(True) == 1
