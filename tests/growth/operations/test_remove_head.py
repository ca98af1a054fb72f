import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import SpecError
from harness.growth import AttachHead, Probe, RemoveHead, ToggleHead, grow
from harness.models import GrowableModel


@pytest.fixture
def model(conv_model: GrowableModel, images: Tensor) -> GrowableModel:
    """The network with two heads more."""
    for name in ("late", "later"):
        head = AttachHead(name=name, outputs=2, tap="hidden", width=3)
        head.apply(conv_model, probe=Probe(images), generator=torch.Generator())
    return conv_model


def trained(model: GrowableModel, images: Tensor) -> torch.optim.Optimizer:
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    torch.stack([output.square().mean() for output in model(images).values()]).sum().backward()
    optimizer.step()
    optimizer.zero_grad()
    return optimizer


def test_the_head_is_gone_with_its_moments_and_all_else_is_the_same_to_the_bit(
    model: GrowableModel, images: Tensor
) -> None:
    optimizer = trained(model, images)
    head = list(model.heads["late"].parameters())
    held: dict[Tensor, dict[str, Tensor]] = {
        p: {k: v.clone() for k, v in optimizer.state[p].items()} for p in model.parameters()
    }
    before = model.eval()(images)

    grown = grow(model, optimizer, RemoveHead(name="late"))

    after = model(images)
    assert list(after) == ["known", "later"]
    assert all(torch.equal(after[name], before[name]) for name in after)
    assert [id(p) for p in grown.growth.gone] == [id(p) for p in head]
    assert not [name for name in grown.identities if "late." in name]
    assert {id(p) for p in optimizer.state} == {id(p) for p in held} - {id(p) for p in head}
    assert all(torch.equal(optimizer.state[p][k], held[p][k]) for p in optimizer.state for k in held[p])


def test_a_new_head_may_have_its_name(model: GrowableModel, images: Tensor) -> None:
    optimizer = trained(model, images)
    grow(model, optimizer, ToggleHead(name="late", on=False))
    grow(model, optimizer, RemoveHead(name="late"))

    grown = grow(model, optimizer, AttachHead(name="late", outputs=5, tap="blocks.1"), probe=Probe(images))

    assert model(images)["late"].shape == (5, 5)
    assert "3/heads.late.output.weight" in grown.identities


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("known", "no head 'known' to remove; the network's own output can be switched off: ToggleHead"),
        ("lat", "no head 'lat' to remove. Did you mean 'late'?"),
        ("late", "expected an output that stays, found 'late' to be the last; switch another on first"),
    ],
)
def test_what_cannot_leave_is_refused(name: str, message: str, model: GrowableModel) -> None:
    model.switch("known", on=False)
    model.switch("later", on=False)

    with pytest.raises(SpecError, match=message):
        RemoveHead(name=name).apply(model, probe=None, generator=torch.Generator())

    assert list(model.heads) == ["late", "later"]


def test_another_network_is_refused() -> None:
    with pytest.raises(SpecError, match="expected a GrowableModel, whose heads have names, found Linear"):
        RemoveHead(name="late").apply(nn.Linear(2, 2), probe=None, generator=torch.Generator())
