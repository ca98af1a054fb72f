"""A branch leaves, with what read it."""

import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import InputError, ModulePathError, SpecError
from harness.growth import (
    AbstractOperation,
    AddBranch,
    AddCascadeUnit,
    AttachHead,
    JoinTap,
    Probe,
    PruneUnits,
    RemoveBranch,
    RemoveHead,
    WidenHead,
    consolidate,
    grow,
)
from harness.models import GrowableModel
from harness.models.branches import has_joined
from harness.models.widened import output_parts
from tests.growth.operations.test_add_branch import IMAGES, Plain, apply


def trained(*operations: AbstractOperation) -> tuple[Plain, torch.optim.Optimizer]:
    """Return a network that has grown, and made a step after each growth."""
    torch.manual_seed(0)
    model = Plain()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    for operation in operations:
        grow(model, optimizer, operation, probe=Probe(IMAGES))
        optimizer.zero_grad()
        model.train()(IMAGES).square().mean().backward()
        optimizer.step()
    model.eval()
    return model, optimizer


def test_what_a_branch_brought_leaves_with_it_and_the_network_is_as_before() -> None:
    model, optimizer = trained(AddBranch(name="second", readers=("fc",), values="drawn"))
    weight, moments = model.fc.weight.detach().clone(), optimizer.state[model.fc.weight]["exp_avg"].clone()

    growth = grow(model, optimizer, RemoveBranch(name="second"), probe=Probe(IMAGES)).growth

    plain = Plain()
    plain.load_state_dict(model.state_dict())  # as strict as torch is
    assert torch.equal(plain.eval()(IMAGES), model(IMAGES))
    assert torch.equal(model.fc.weight, weight[:, :6])
    assert torch.equal(optimizer.state[model.fc.weight]["exp_avg"], moments[:, :6])
    assert growth.parameters_added < -1000
    assert not has_joined(model)
    assert not model._forward_pre_hooks
    assert {id(p) for p in model.parameters()} == {id(p) for g in optimizer.param_groups for p in g["params"]}


def test_others_are_read_as_before_wherever_their_columns_lie() -> None:
    joins = (
        AddBranch(name="second", readers=("fc",), values="drawn"),
        JoinTap(path="fc", tap="conv"),
        AddBranch(name="third", readers=("fc",), values="drawn"),
        PruneUnits(path="branches.second.network.hidden", by=2),
        WidenHead(path="fc", to=7),
    )
    model, optimizer = trained(*joins)
    parts = [part.weight.detach().clone() for part in output_parts(model, "fc")]
    silent = [torch.cat([w[:, :6], torch.zeros(len(w), 4), w[:, 10:]], dim=1) for w in parts]
    with torch.no_grad():
        for part, weight in zip(output_parts(model, "fc"), silent, strict=True):
            part.weight.copy_(weight)
    expected = model(IMAGES)

    grow(model, optimizer, RemoveBranch(name="second"), probe=Probe(IMAGES))

    torch.testing.assert_close(model(IMAGES), expected)
    assert all(
        torch.equal(part.weight, torch.cat([w[:, :6], w[:, 10:]], dim=1))
        for part, w in zip(output_parts(model, "fc"), silent, strict=True)
    )
    grow(model, optimizer, RemoveBranch(name="third"), probe=Probe(IMAGES))
    consolidate(model, optimizer)
    assert model.fc.in_features == 6 + 4
    assert [name for name, _ in model.named_children()][-1] == "branches"  # it still keeps what is read of `conv`


def test_every_head_that_reads_it_forgets_it(conv_model: GrowableModel, images: Tensor) -> None:
    apply(AttachHead(name="late", outputs=2, tap="blocks.1"), conv_model, images)
    before = conv_model.eval()(images)
    apply(AddBranch(name="second", readers=("output", "heads.late.output"), values="drawn"), conv_model, images)
    apply(AttachHead(name="auxiliary", outputs=4, tap="branches.second"), conv_model, images)

    with pytest.raises(ModulePathError, match=r"no head that reads 'branches\.second', found 'auxiliary'; remove the"):
        apply(RemoveBranch(name="second"), conv_model, images)
    apply(RemoveHead(name="auxiliary"), conv_model, images)
    apply(RemoveBranch(name="second"), conv_model, images)

    after = conv_model(images)
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert not hasattr(conv_model.backbone, "branches")


def test_lateral_connections_leave_with_the_branch_that_has_them() -> None:
    model, _ = trained(
        AddBranch(name="second", readers=("fc",)), JoinTap(path="branches.second.network.hidden", tap="hidden")
    )

    apply(RemoveBranch(name="second"), model)

    assert model.state_dict().keys() == Plain().state_dict().keys()
    assert not model.hidden._forward_hooks


def refused(model: nn.Module, operation: AbstractOperation, error: type[InputError], message: str) -> None:
    held = {name: id(tensor) for name, tensor in model.named_parameters()}

    with pytest.raises(error, match=message):
        apply(operation, model)

    assert {name: id(tensor) for name, tensor in model.named_parameters()} == held


def test_what_others_read_cannot_leave() -> None:
    model, _ = trained(
        AddBranch(name="second", readers=("fc",)),
        AddBranch(name="third", readers=("fc",)),
        JoinTap(path="branches.third.network.hidden", tap="branches.second.network.hidden"),
        AddCascadeUnit(name="unit", reader="hidden", candidates=1, steps=0),
        AddCascadeUnit(name="later", reader="hidden", candidates=1, steps=0),
    )

    refused(model, RemoveBranch(name="second"), ModulePathError, "found 'branches.third.network.hidden', which reads")
    refused(model, RemoveBranch(name="unit"), ModulePathError, "no unit of 'hidden' that came later and reads 'unit'")
    refused(model, RemoveBranch(name="tird"), SpecError, "no branch 'tird' to remove. Did you mean 'third'")
    apply(RemoveBranch(name="later"), model)
    apply(RemoveBranch(name="unit"), model)
    assert model.hidden.in_features == 256
    refused(Plain(), RemoveBranch(name="second"), SpecError, "no branch 'second' to remove")
