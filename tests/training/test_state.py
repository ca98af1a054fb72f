import pytest
import torch

from harness.core.errors import SpecError
from harness.data import TaskData
from harness.growth import AttachHead, NoFreezing, OldParameters
from harness.growth.freezing import DiscriminativeRates
from harness.growth.lineage import Change
from harness.growth.probe import Probe
from harness.models import MLP
from harness.training.state import TrainState, build_model

CPU = torch.device("cpu")
CHANGE = Change(operation=AttachHead(name="late", outputs=2, tap="hidden"), freeze=OldParameters(), loss_weight=0.5)


def test_a_network_depends_on_the_seed_and_leaves_the_global_stream_alone() -> None:
    stream = torch.get_rng_state()

    networks = [
        build_model(MLP(inputs=2, widths=(3,)), output="known", outputs=2, seed=seed, device=CPU) for seed in (0, 0, 1)
    ]

    weights = [next(network.parameters()) for network in networks]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert torch.equal(torch.get_rng_state(), stream)


def test_a_growth_is_remembered(state: TrainState, data: TaskData) -> None:
    state.step = 9

    growth = state.grow(CHANGE, probe=Probe(data.validation.inputs[:2]))

    assert growth.outputs == ("late",)
    assert state.loss_weights == {"late": 0.5}
    assert [(event.step, event.change) for event in state.lineage] == [(9, CHANGE)]
    assert (state.age, state.optimizer.param_groups[1]["born"]) == (0, 9)


def test_refreezing_changes_nothing_when_the_policy_does_not(state: TrainState, data: TaskData) -> None:
    state.grow(CHANGE, probe=Probe(data.validation.inputs[:2]))
    frozen, trainable = state.frozen, [id(p) for p in state.trainable]

    state.step += 5
    state.refreeze()

    assert state.frozen == frozen
    assert [id(p) for p in state.trainable] == trainable


def test_a_later_growth_thaws_what_an_earlier_one_froze(state: TrainState, data: TaskData) -> None:
    probe = Probe(data.validation.inputs[:2])
    state.grow(CHANGE, probe=probe)

    state.grow(Change(operation=AttachHead(name="more", outputs=1, tap="hidden"), freeze=NoFreezing()), probe=probe)

    assert len(state.trainable) == len(list(state.model.parameters()))


def test_lower_layers_learn_at_lower_rates_and_a_later_policy_ends_that(state: TrainState, data: TaskData) -> None:
    probe = Probe(data.validation.inputs[:2])
    rates = DiscriminativeRates(layers=("blocks.0", "blocks.1"), decay=0.5)
    state.grow(Change(operation=CHANGE.operation, freeze=rates), probe=probe)
    divided = {id(p): group["lr_scale"] for group in state.optimizer.param_groups for p in group["params"]}

    state.grow(Change(operation=AttachHead(name="more", outputs=1, tap="hidden"), freeze=NoFreezing()), probe=probe)

    names = {"blocks.0.conv.weight": 0.25, "blocks.1.conv.weight": 0.5, "output.weight": 1.0}
    assert {name: divided[id(state.model.get_parameter(f"backbone.{name}"))] for name in names} == names
    assert {group["lr_scale"] for group in state.optimizer.param_groups} == {1}


def test_the_policy_says_what_frozen_norms_do(state: TrainState, data: TaskData) -> None:
    for policy, training in ((OldParameters(), False), (OldParameters(frozen_norm="train"), True)):
        state.grow(
            Change(operation=AttachHead(name=f"head_{policy.frozen_norm}", outputs=1, tap="hidden"), freeze=policy),
            probe=Probe(data.validation.inputs[:2]),
        )
        state.set_train_mode()

        assert state.model.get_submodule("backbone.blocks.0.norm").training is training


def test_a_network_of_which_nothing_is_trained_is_refused(state: TrainState) -> None:
    for parameter in state.model.parameters():
        parameter.requires_grad_(False)

    with pytest.raises(SpecError, match="everything frozen"):
        state.set_train_mode()
