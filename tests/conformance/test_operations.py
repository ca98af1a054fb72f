"""What every operation promises."""

import copy
from pathlib import Path

import pytest
import torch
from torch import nn

from harness.benchmarks.adapted import AdaptedLinear
from harness.core.spec import LeafSpec
from harness.growth import (
    AbstractOperation,
    AddAdapter,
    AddBranch,
    AddCascadeUnit,
    AlignRows,
    AnswerByCosines,
    AttachHead,
    CorrectBias,
    DuplicateLayers,
    GrowBest,
    InsertLayer,
    JoinTap,
    MergeAdapter,
    NoFreezing,
    PruneUnits,
    RaiseRank,
    RemoveBranch,
    RemoveHead,
    ReplaceHead,
    ResizeEmbedding,
    SplitClass,
    SwitchLayer,
    ToggleHead,
    Unchanged,
    WidenHead,
    WidenLayer,
    grow,
    load_grown,
    save_grown,
)
from harness.growth.layers import ConvBlock
from harness.growth.lineage import Change
from harness.growth.probe import Probe
from harness.growth.scores import RandomScore
from harness.growth.surgery import check_coverage, operate
from harness.growth.units import RandomUnits
from harness.models import GrowableModel
from harness.training.average import EMA
from harness.training.optimizers import AdamW
from harness.training.state import fresh_state

OPERATIONS = [
    AddAdapter(layers=("hidden.linear", "heads.*"), rank=2, alpha=3),
    AddBranch(name="second", readers=("output", "heads.early.output"), values="drawn"),
    AddCascadeUnit(name="unit", reader="output", candidates=1, steps=0),
    AlignRows(path="output", first=2),
    AnswerByCosines(path="output"),
    AttachHead(name="late", outputs=2, tap="hidden"),
    AttachHead(name="late", outputs=2, tap="blocks.0", width=3, dropout=0.5, activation="gelu"),
    CorrectBias(path="output", first=2, scale=0.8, shift=-0.1),
    DuplicateLayers(path="hidden.deep"),
    DuplicateLayers(path="hidden.deep", layers=(1,), order="interleave", moments="fresh"),
    GrowBest(candidates=(WidenLayer(path="blocks.0.conv", by=1, method=RandomUnits()),)),
    InsertLayer(after="blocks.1", layer=ConvBlock(width=2)),
    JoinTap(path="heads.early.output", tap="blocks.0"),
    MergeAdapter(name="old"),
    PruneUnits(path="blocks.0.conv", by=2),
    PruneUnits(path="heads.early.layers.0", to=3, score=RandomScore(), fill="mean"),
    RaiseRank(to=3),
    RemoveBranch(name="old"),
    RemoveHead(name="early"),
    ReplaceHead(path="output", to=2, rows_from={1: 0}, keep_teacher=True),
    ResizeEmbedding(path="hidden.dropout.tokens", to=6),
    SplitClass(path="output", parent=0, children=2, noise=0.1),
    SwitchLayer(flag="depth", on=False),
    ToggleHead(path="blocks.1.extra.layer", on=False),
    Unchanged(),
    WidenHead(path="output", to=4),
    WidenHead(path="output", to=4, rows="in_place", moments="mean"),
    WidenLayer(path="blocks.0.conv", to=6),
]


def own_leaves(family: type[LeafSpec]) -> set[type[LeafSpec]]:
    return {leaf for leaf in family.__subclasses__() if leaf.__module__.startswith("harness.")}


@pytest.fixture(params=OPERATIONS, ids=repr)
def operation(request: pytest.FixtureRequest) -> AbstractOperation:
    found: AbstractOperation = request.param
    return found


def equip(model: GrowableModel, probe: Probe) -> None:
    """Give the network all that some operation needs.

    That is layers that can follow each other, one with a low-rank adapter, an embedding, where nothing calls it, an
    inserted layer that can be switched, a head and a unit that can leave, and an adapter that can be merged.
    """
    hidden = model.get_submodule("backbone.hidden")
    hidden.add_module("deep", nn.Sequential(nn.Linear(7, 7), nn.Linear(7, 7)))
    hidden.add_module("adapted", AdaptedLinear(nn.Linear(7, 7), rank=2, alpha=4))
    model.get_submodule("backbone.hidden.dropout").add_module("tokens", nn.Embedding(4, 3))
    hidden.to(probe.inputs.device)
    layer = InsertLayer(after="blocks.1", name="extra", layer=ConvBlock(width=2), flag="depth")
    layer.apply(model, probe=probe, generator=torch.Generator())
    early = AttachHead(name="early", outputs=2, tap="hidden", width=4)
    early.apply(model, probe=probe, generator=torch.Generator())
    unit = AddCascadeUnit(name="old", reader="heads.early.output", candidates=1, steps=0)
    unit.apply(model, probe=probe, generator=torch.Generator())
    adapter = AddAdapter(layers=("hidden.deep.*",), rank=1, name="old")
    adapter.apply(model, probe=probe, generator=torch.Generator())


@pytest.fixture(autouse=True)
def equipped(conv_model: GrowableModel, images: torch.Tensor) -> None:
    equip(conv_model, Probe(images))


def apply(operation: AbstractOperation, model: GrowableModel, images: torch.Tensor, seed: int = 0) -> None:
    operation.apply(model, probe=Probe(images), generator=torch.Generator().manual_seed(seed))


def test_every_operation_is_tested_here() -> None:
    assert {type(operation) for operation in OPERATIONS} == own_leaves(AbstractOperation)


def test_it_survives_json(operation: AbstractOperation) -> None:
    assert AbstractOperation.model_validate(operation.to_json()) == operation


def test_it_names_the_outputs_that_it_adds_with_their_columns(
    operation: AbstractOperation, conv_model: GrowableModel, images: torch.Tensor
) -> None:
    before = set(conv_model.heads)

    apply(operation, conv_model, images)

    added = {name: head.get_submodule("output") for name, head in conv_model.heads.items() if name not in before}
    assert operation.new_outputs() == {name: layer.out_features for name, layer in added.items()}


def test_it_keeps_a_teacher_exactly_if_it_says_so(
    operation: AbstractOperation, conv_model: GrowableModel, images: torch.Tensor
) -> None:
    apply(operation, conv_model, images)

    assert hasattr(conv_model, "teacher") == operation.keeps_teacher


def test_the_global_random_stream_is_left_alone(
    operation: AbstractOperation, conv_model: GrowableModel, images: torch.Tensor
) -> None:
    stream = torch.get_rng_state()

    apply(operation, conv_model, images)

    assert torch.equal(torch.get_rng_state(), stream)


def test_values_come_from_the_generator_alone(
    operation: AbstractOperation, conv_model: GrowableModel, images: torch.Tensor
) -> None:
    twin = copy.deepcopy(conv_model)

    apply(operation, conv_model, images, seed=3)
    torch.randn(7)
    apply(operation, twin, images, seed=3)

    assert all(torch.equal(a, b) for a, b in zip(conv_model.parameters(), twin.parameters(), strict=True))


def test_it_is_repeated_on_a_fresh_network_without_data(
    operation: AbstractOperation, conv_model: GrowableModel, images: torch.Tensor, tmp_path: Path
) -> None:
    fresh = copy.deepcopy(conv_model)
    grow(conv_model, torch.optim.SGD(conv_model.parameters(), lr=0.1), operation, probe=Probe(images))
    save_grown(tmp_path, conv_model)

    load_grown(tmp_path, fresh)

    before, after = conv_model.state_dict(), fresh.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert [type(module) for module in fresh.modules()] == [type(module) for module in conv_model.modules()]
    assert fresh.off == conv_model.off


def test_the_record_is_enough_for_the_optimizer(
    operation: AbstractOperation, conv_model: GrowableModel, images: torch.Tensor
) -> None:
    optimizer = AdamW().start(conv_model.parameters())

    growth = operation.apply(conv_model, probe=Probe(images), generator=torch.Generator())
    operate(optimizer, growth, step=0, lr_factor=1)

    check_coverage(conv_model, optimizer)


def test_an_average_of_the_weights_grows_along(
    operation: AbstractOperation, conv_model: GrowableModel, images: torch.Tensor
) -> None:
    state = fresh_state(conv_model, AdamW(), seed=3, precision="fp32", average=EMA())

    state.grow(Change(operation=operation, freeze=NoFreezing()), probe=Probe(images))

    assert state.average is not None
    own = state.average.identities.tensors()
    assert own.keys() == state.identities.keys()
    assert all(torch.equal(own[name], tensor) for name, tensor in state.identities.tensors().items())
    assert state.averaged.model.off == conv_model.off
    with torch.no_grad():
        shown, same = (one.eval()(images) for one in (state.averaged.model, conv_model))
    assert shown.keys() == same.keys()
    assert all(torch.equal(shown[name], same[name]) for name in same)


def test_what_losses_keep_follows_in_the_shape_of_each_parameter(
    operation: AbstractOperation, conv_model: GrowableModel, images: torch.Tensor
) -> None:
    state = fresh_state(conv_model, AdamW(), seed=0, precision="fp32")
    anchors = {key: parameter.detach().clone() for key, parameter in state.learnable.items()}
    amounts = {key: torch.ones_like(value) for key, value in anchors.items()}
    state.loss_states = {"penalty": {"importance": amounts, "anchor": anchors}}

    state.grow(Change(operation=operation, freeze=NoFreezing()), probe=Probe(images))

    now = {key: parameter.detach() for key, parameter in state.learnable.items()}
    for tensors in state.loss_states["penalty"].values():
        assert {key: value.shape for key, value in tensors.items()}.items() <= {
            k: v.shape for k, v in now.items()
        }.items()
    after = state.loss_states["penalty"]["anchor"]
    assert len(after) > len(anchors) / 2
    assert all(torch.allclose(now[key], value) for key, value in after.items())


def test_old_tensors_keep_their_values(
    operation: AbstractOperation, conv_model: GrowableModel, images: torch.Tensor
) -> None:
    before = [(tensor, tensor.clone()) for tensor in (*conv_model.parameters(), *conv_model.buffers())]
    modes = {name: module.training for name, module in conv_model.backbone.named_modules()}

    apply(operation, conv_model, images)

    after = {name: module.training for name, module in conv_model.backbone.named_modules()}
    assert all(torch.equal(tensor, value) for tensor, value in before)
    assert all(after[name] == mode for name, mode in modes.items() if name in after)
