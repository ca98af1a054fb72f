"""What every way to give values to new units promises, and what some do alone."""

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from harness.core.errors import SpecError
from harness.growth.record import Promise
from harness.growth.units import (
    AbstractUnits,
    CopiedUnits,
    GradMaxUnits,
    NewUnits,
    PairedUnits,
    RandomUnits,
    Surroundings,
)
from harness.initializers import KaimingUniform, Zeros

METHODS: list[AbstractUnits] = [
    CopiedUnits(),
    CopiedUnits(noise=0),
    CopiedUnits(noise=0.3, noise_on="incoming"),
    GradMaxUnits(),
    PairedUnits(),
    RandomUnits(),
    RandomUnits(outgoing=KaimingUniform()),
]


def drawn(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0)).double()


@pytest.fixture
def around() -> Surroundings:
    """Four units of seven inputs; three outputs of one layer read them, and five maps of nine weights of another."""
    gradients = (drawn(3, 1, 7), drawn(5, 9, 7))
    return Surroundings(drawn(4, 7), drawn(4), (drawn(3, 4, 1), drawn(5, 4, 9)), lambda _: gradients)


@pytest.fixture(params=METHODS, ids=repr)
def method(request: pytest.FixtureRequest) -> AbstractUnits:
    found: AbstractUnits = request.param
    return found


def units(method: AbstractUnits, around: Surroundings, added: int, seed: int = 0) -> NewUnits:
    return method.units(around, added, torch.Generator().manual_seed(seed))


def said(weights: Surroundings, incoming: Tensor, bias: Tensor | None, outgoing: tuple[Tensor, ...]) -> list[Tensor]:
    """Return what the layers that read the units get to hear for some inputs."""
    assert bias is not None
    active = torch.tanh(drawn(6, weights.incoming.shape[1]) @ incoming.T + bias)
    return [torch.einsum("bu,ouk->bok", active, weight) for weight in outgoing]


def test_every_method_is_tested_here() -> None:
    own = {leaf for leaf in AbstractUnits.__subclasses__() if leaf.__module__.startswith("harness.")}

    assert {type(method) for method in METHODS} == own


def test_it_survives_json(method: AbstractUnits) -> None:
    assert AbstractUnits.model_validate(method.to_json()) == method


@pytest.mark.parametrize("added", [2, 4, 6])
def test_there_are_so_many_and_nothing_else_changes(method: AbstractUnits, around: Surroundings, added: int) -> None:
    new = units(method, around, added)

    assert new.incoming.shape == (added, 7)
    assert new.bias is not None
    assert new.bias.shape == (added,)
    assert [weight.shape for weight in new.outgoing] == [(3, 4 + added, 1), (5, 4 + added, 9)]
    before = said(around, around.incoming, around.bias, around.outgoing)
    assert around.bias is not None
    after = said(around, torch.cat([around.incoming, new.incoming]), torch.cat([around.bias, new.bias]), new.outgoing)
    close = all(torch.allclose(old, now, rtol=1e-5, atol=1e-5) for old, now in zip(before, after, strict=True))
    assert close is (method.promise() is Promise.CLOSE)


def test_values_come_from_the_generator_alone(method: AbstractUnits, around: Surroundings) -> None:
    stream = torch.get_rng_state()

    first, second, other = units(method, around, 2), units(method, around, 2), units(method, around, 2, seed=3)

    assert torch.equal(torch.get_rng_state(), stream)
    assert torch.equal(first.incoming, second.incoming)
    assert all(torch.equal(a, b) for a, b in zip(first.outgoing, second.outgoing, strict=True))
    assert not torch.equal(first.incoming, other.incoming)


def test_no_unit_is_zero_on_both_sides(method: AbstractUnits, around: Surroundings) -> None:
    new = units(method, around, 4)

    goes_out = torch.stack([weight[:, 4:].abs().sum(dim=(0, 2)) for weight in new.outgoing]).sum(0)
    assert ((new.incoming.abs().sum(1) > 0) | (goes_out > 0)).all()


def test_every_unit_is_copied_once_before_one_is_copied_twice(around: Surroundings) -> None:
    new = units(CopiedUnits(), around, 6)

    assert new.originals is not None
    assert sorted(new.originals[:4]) == [0, 1, 2, 3]
    assert torch.equal(new.incoming, around.incoming[list(new.originals)])


def test_without_noise_shares_are_equal_and_with_it_they_are_not(around: Surroundings) -> None:
    equal, unequal = units(CopiedUnits(noise=0), around, 4), units(CopiedUnits(noise=0.5), around, 4)

    assert equal.originals is not None
    assert unequal.originals is not None
    for before, halves, parts in zip(around.outgoing, equal.outgoing, unequal.outgoing, strict=True):
        torch.testing.assert_close(halves[:, 4:], before[:, list(equal.originals)] / 2)
        shares = parts[:, 4:] / before[:, list(unequal.originals)]
        assert shares.min() >= 0.25
        assert shares.max() <= 0.75
        assert shares.std() > 0.1


def test_pairs_come_in_and_go_out_as_said(around: Surroundings) -> None:
    new = units(PairedUnits(), around, 4)

    assert torch.equal(new.incoming[:2], new.incoming[2:])
    assert not torch.equal(new.incoming[0], new.incoming[1])
    for weight in new.outgoing:
        assert torch.equal(weight[:, 4:6], -weight[:, 6:])
        assert weight[:, 4:].all()


def test_an_odd_number_has_no_pairs(around: Surroundings) -> None:
    with pytest.raises(SpecError, match="expected an even number of new units, which come in pairs, found 3"):
        units(PairedUnits(), around, 3)


def test_steepest_directions_beat_any_other(around: Surroundings) -> None:
    new = units(GradMaxUnits(scale=2), around, 2)

    joint = torch.cat([weight[:, 4:].transpose(1, 2).flatten(0, 1) for weight in new.outgoing])
    path = torch.cat([gradient.flatten(0, 1) for gradient in around.gradients(None)])
    lengths = joint.norm(dim=0)
    old = torch.cat([weight.transpose(1, 2).flatten(0, 1) for weight in around.outgoing]).norm(dim=0).mean()
    torch.testing.assert_close(lengths, 2 * old.expand(2))
    directions = joint / lengths
    torch.testing.assert_close(directions.T @ directions, torch.eye(2).double())
    others = torch.linalg.qr(drawn(len(joint), 2)).Q
    assert (directions.T @ path).norm() > (others.T @ path).norm()
    torch.testing.assert_close((directions.T @ path).norm(), torch.linalg.svdvals(path)[:2].norm())


def test_there_are_no_more_directions_than_weights(around: Surroundings) -> None:
    with pytest.raises(SpecError, match="which are 7 and 48, found 8"):
        units(GradMaxUnits(), around, 8)


@pytest.mark.parametrize(
    ("method", "fields", "message"),
    [
        (PairedUnits, {"incoming": Zeros()}, "found zeros"),
        (PairedUnits, {"outgoing": Zeros()}, "use 'random' for those"),
        (RandomUnits, {"incoming": Zeros()}, "outgoing may be zeros"),
        (CopiedUnits, {"noise": 1.0}, "less than 1"),
        (GradMaxUnits, {"epsilon": 0.0}, "greater than 0"),
    ],
)
def test_units_that_could_not_learn_are_refused(
    method: type[AbstractUnits], fields: dict[str, object], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        method.model_validate(fields)
