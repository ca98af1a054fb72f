import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from harness.core.errors import ModulePathError, SpecError
from harness.growth import Probe, Promise, grow
from harness.growth.operations import AttachHead, ToggleHead
from harness.models import GrowableModel
from harness.training.optimizers import SGD, AbstractOptimizer, AdamW

OPTIMIZERS = [SGD(lr=0.05, momentum=0.9, weight_decay=0.1), AdamW(lr=0.01, weight_decay=0.1)]


class Residual(nn.Module):
    """A sum of a shortcut and a branch with batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.branch = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
        self.fc = nn.Linear(3, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.fc(inputs + self.branch(inputs))
        return outputs


def two_heads(model: GrowableModel, images: Tensor) -> GrowableModel:
    AttachHead(name="late", outputs=2, tap="hidden", width=3).apply(
        model, probe=Probe(images), generator=torch.Generator()
    )
    return model


def toggle(model: nn.Module, **settings: object) -> None:
    operation = ToggleHead.model_validate(settings)
    operation.apply(model, probe=None, generator=torch.Generator())


@pytest.mark.parametrize("name", ["late", "known"])
def test_an_output_that_is_off_is_absent_and_comes_back_the_same(
    name: str, conv_model: GrowableModel, images: Tensor
) -> None:
    model = two_heads(conv_model, images).eval()
    before = model(images)

    toggle(model, name=name, on=False)
    off = model(images)
    toggle(model, name=name, on=True)

    assert list(off) == [other for other in before if other != name]
    assert all(torch.equal(off[other], before[other]) for other in off)
    assert all(torch.equal(value, before[key]) for key, value in model(images).items())


@pytest.mark.parametrize("spec", OPTIMIZERS, ids=repr)
def test_what_is_off_is_not_trained_and_keeps_its_moments(
    spec: AbstractOptimizer, conv_model: GrowableModel, images: Tensor
) -> None:
    model = two_heads(conv_model, images)
    optimizer = spec.start(model.parameters())

    def step() -> None:
        optimizer.zero_grad()
        torch.stack([value.square().sum() for value in model(images).values()]).sum().backward()
        optimizer.step()

    step()
    grow(model, optimizer, ToggleHead(name="late", on=False))
    head = list(model.heads.parameters())
    before = [(p.clone(), {k: torch.as_tensor(v).clone() for k, v in optimizer.state[p].items()}) for p in head]
    step()

    for parameter, (value, moments) in zip(head, before, strict=True):
        assert parameter.grad is None
        assert torch.equal(parameter, value)
        assert all(torch.equal(torch.as_tensor(optimizer.state[parameter][k]), v) for k, v in moments.items())
    grown = grow(model, optimizer, ToggleHead(name="late", on=True), number=2)
    step()
    assert grown.growth.outputs == ("late",)
    assert not torch.equal(head[0], before[0][0])


def test_the_last_output_stays_on(conv_model: GrowableModel) -> None:
    with pytest.raises(SpecError, match="expected an output that stays on, found 'known'"):
        toggle(conv_model, name="known", on=False)


def test_an_unknown_output_is_named(conv_model: GrowableModel) -> None:
    with pytest.raises(SpecError, match=r"no output 'knon' to switch. Did you mean 'known'"):
        toggle(conv_model, name="knon", on=False)


def test_names_are_of_outputs_and_a_plain_network_has_none() -> None:
    with pytest.raises(SpecError, match="expected a GrowableModel, whose outputs have names, found Residual"):
        toggle(Residual(), name="branch", on=False)


def test_a_branch_that_is_off_adds_nothing_and_comes_back_the_same() -> None:
    model, inputs = Residual().eval(), torch.randn(5, 3)
    model.branch.train()
    before, state = model(inputs), {key: value.clone() for key, value in model.state_dict().items()}

    toggle(model, path="branch", on=False)
    off = model(inputs)
    toggle(model, path="branch", on=True)

    assert torch.equal(off, model.fc(inputs))
    assert [module.training for module in model.branch.modules()] == [True, True, True]
    assert {key: value.shape for key, value in model.state_dict().items()} == {k: v.shape for k, v in state.items()}
    assert all(torch.equal(model.state_dict()[key], value) for key, value in state.items())
    assert torch.equal(model(inputs), before)


def test_a_branch_that_is_off_is_neither_trained_nor_are_its_statistics() -> None:
    model, inputs = Residual(), torch.randn(5, 3)
    optimizer = SGD(weight_decay=0.1).start(model.parameters())
    branch = model.branch
    grow(model, optimizer, ToggleHead(path="branch", on=False))
    before = {key: value.clone() for key, value in branch.state_dict().items()}

    model(inputs).square().sum().backward()
    optimizer.step()

    assert all(torch.equal(branch.state_dict()[key], value) for key, value in before.items())
    assert all(parameter.grad is None for parameter in branch.parameters())


def test_modes_within_a_branch_stay() -> None:
    model = Residual()
    model.branch[1].eval()

    toggle(model, path="branch", on=False)
    toggle(model, path="branch", on=True)

    assert [module.training for module in model.branch.modules()] == [True, True, False]


def test_a_branch_that_a_head_reads_stays_on(conv_model: GrowableModel, images: Tensor) -> None:
    model = two_heads(conv_model, images)

    with pytest.raises(ModulePathError, match="found that 'late' reads 'hidden'"):
        toggle(model, path="hidden", on=False)
    with pytest.raises(ModulePathError, match=r"found the head 'heads\.late'; say name='late'"):
        toggle(model, path="heads.late", on=False)


@pytest.mark.parametrize("path", ["branch", ""])
def test_a_branch_is_switched_on_only_if_it_is_off(path: str) -> None:
    with pytest.raises(ModulePathError, match="expected a branch that is not on"):
        toggle(Residual(), path=path, on=True)


def test_the_network_itself_cannot_be_off() -> None:
    with pytest.raises(ModulePathError, match="found the network itself"):
        toggle(Residual(), path="", on=False)


def test_a_name_or_a_path_is_given() -> None:
    for settings in ({}, {"name": "late", "path": "branch"}):
        with pytest.raises(ValidationError, match="expected the name of an output or a path"):
            ToggleHead.model_validate({"on": False, **settings})


def test_other_outputs_are_promised_but_not_those_that_read_a_branch() -> None:
    assert ToggleHead(name="late", on=False).promise() is Promise.EXACT
    assert ToggleHead(path="branch", on=False).promise() is Promise.NONE
