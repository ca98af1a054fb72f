"""What norms with running statistics do in frozen parts."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD

from harness.growth.freeze import freeze, unchanging
from harness.growth.freezing import AbstractFreezePolicy, ByName, FrozenNorm, OldParameters
from harness.growth.frozen_modes import set_train_mode
from harness.growth.identities import Identities

NORMS: list[FrozenNorm] = ["eval", "track", "train"]


class NormAndActivation(nn.BatchNorm1d):
    """A norm of another library that does more than to normalize."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Normalize `[B, C]`, and make it positive."""
        return functional.softplus(super().forward(inputs))


class Trunk(nn.Module):
    """A norm, and a new layer that is trained."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.trunk = nn.Sequential(norm, nn.Dropout(0.5))

    def frozen(self, policy: AbstractFreezePolicy) -> tuple[Identities, frozenset[str]]:
        identities = Identities(self)
        self.new = nn.Linear(3, 3)
        identities.register(self, birth=1)
        return identities, freeze(self, identities, policy, growth=1)


TRACKING: dict[str, Callable[[], nn.Module]] = {
    "1d": lambda: nn.BatchNorm1d(3),
    "2d": lambda: nn.BatchNorm2d(3),
    "1d without weights": lambda: nn.BatchNorm1d(3, affine=False),
    "2d without weights": lambda: nn.BatchNorm2d(3, affine=False),
    "1d, cumulative": lambda: nn.BatchNorm1d(3, momentum=None),
    "1d with an activation": lambda: NormAndActivation(3),
    "instance": lambda: nn.InstanceNorm2d(3, affine=True, track_running_stats=True),
}


@pytest.fixture(params=TRACKING)
def trunk(request: pytest.FixtureRequest) -> Trunk:
    return Trunk(TRACKING[request.param]())


def batch(trunk: Trunk, seed: int = 0) -> Tensor:
    """Return inputs for the trunk that are far from its running statistics."""
    drawn = torch.randn(8, 3, 4, 4, generator=torch.Generator().manual_seed(seed)) + 4
    return drawn[:, :, 0, 0] if isinstance(trunk.trunk[0], nn.BatchNorm1d) else drawn


def statistics(trunk: Trunk) -> dict[str, Tensor]:
    return {name: buffer.clone() for name, buffer in trunk.trunk[0].named_buffers()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_a_frozen_norm_is_one_function_in_train_and_eval_mode(trunk: Trunk) -> None:
    identities, frozen = trunk.frozen(OldParameters())
    before = statistics(trunk)

    trunk.train()
    set_train_mode(trunk, identities, frozen)
    outputs = trunk.trunk(batch(trunk))

    assert torch.equal(outputs, trunk.eval().trunk(batch(trunk)))
    assert outputs.mean() > 3
    assert same(before, statistics(trunk))
    assert unchanging(identities, frozen) == frozen


def test_a_tracking_norm_computes_what_eval_mode_would_right_afterwards(trunk: Trunk) -> None:
    free = copy.deepcopy(trunk.trunk[0]).train()
    identities, frozen = trunk.frozen(OldParameters(frozen_norm="track"))

    for seed in range(3):
        set_train_mode(trunk, identities, frozen, frozen_norm="track")
        outputs = trunk.trunk(batch(trunk, seed))
        free(batch(trunk, seed))

        assert same(statistics(trunk), dict(free.named_buffers()))
        assert torch.equal(outputs, trunk.eval().trunk(batch(trunk, seed)))
        assert same(statistics(trunk), dict(free.named_buffers()))


def test_a_training_norm_normalizes_with_each_batch(trunk: Trunk) -> None:
    free = copy.deepcopy(trunk.trunk[0]).train()
    identities, frozen = trunk.frozen(OldParameters(frozen_norm="train"))

    set_train_mode(trunk, identities, frozen, frozen_norm="train")
    outputs = trunk.trunk(batch(trunk))

    assert torch.equal(outputs, free(batch(trunk)))
    assert same(statistics(trunk), dict(free.named_buffers()))


@pytest.mark.parametrize("norm", NORMS)
def test_dropout_in_frozen_parts_is_off_whatever_norms_do(trunk: Trunk, norm: FrozenNorm) -> None:
    identities, frozen = trunk.frozen(OldParameters())

    set_train_mode(trunk, identities, frozen, frozen_norm=norm)

    assert not trunk.trunk[1].training
    assert trunk.new.training
    assert trunk.training


@pytest.mark.parametrize("norm", ["track", "train"])
def test_what_tracks_no_longer_is_as_it_was_before(trunk: Trunk, norm: FrozenNorm) -> None:
    identities, frozen = trunk.frozen(OldParameters())
    set_train_mode(trunk, identities, frozen, frozen_norm=norm)
    trunk.trunk(batch(trunk))
    before = statistics(trunk)

    set_train_mode(trunk, identities, frozen)
    outputs, expected = trunk.trunk(batch(trunk)), copy.deepcopy(trunk).eval().trunk(batch(trunk))
    between = statistics(trunk)
    set_train_mode(trunk, identities, frozenset())
    norm_alone = trunk.trunk[0]

    assert torch.equal(outputs, expected)
    assert same(before, between)
    assert torch.equal(norm_alone(batch(trunk)), norm_alone.forward(batch(trunk)))
    assert not same(before, statistics(trunk))


def test_to_ask_again_changes_nothing(trunk: Trunk) -> None:
    identities, frozen = trunk.frozen(OldParameters())

    for _ in range(3):
        set_train_mode(trunk, identities, frozen, frozen_norm="track")
    hooks = len(trunk.trunk[0]._forward_hooks)
    set_train_mode(trunk, identities, frozen)

    assert hooks == 1
    assert not trunk.trunk[0]._forward_hooks
    assert not trunk.trunk[0]._forward_hooks_with_kwargs


def test_a_copy_of_a_tracking_network_tracks_on_its_own(trunk: Trunk) -> None:
    identities, frozen = trunk.frozen(OldParameters())
    set_train_mode(trunk, identities, frozen, frozen_norm="track")
    twin, before = copy.deepcopy(trunk), statistics(trunk)

    outputs = twin.trunk(batch(twin))

    assert same(before, statistics(trunk))
    assert not same(before, statistics(twin))
    assert torch.equal(outputs, twin.eval().trunk(batch(twin)))


def test_tracking_does_not_spoil_gradients_of_an_earlier_pass() -> None:
    linear = nn.Linear(3, 3)
    model = nn.Sequential(linear, nn.BatchNorm1d(3))
    identities = Identities(model)
    frozen = freeze(model, identities, ByName(patterns=("1.*",)), growth=1)
    set_train_mode(model, identities, frozen, frozen_norm="track")
    first, second = torch.randn(8, 3) + 4, 10 * torch.randn(8, 3)
    twin = copy.deepcopy(model)

    loss = model(first).square().sum()
    model(second)
    (found,) = torch.autograd.grad(loss, linear.weight)
    (expected,) = torch.autograd.grad(twin(first).square().sum(), twin.get_parameter("0.weight"))

    assert torch.equal(found, expected)


@pytest.mark.parametrize("norm", NORMS)
def test_weights_of_a_norm_are_frozen_and_its_statistics_as_said(norm: FrozenNorm) -> None:
    trunk = Trunk(nn.BatchNorm1d(3))
    identities, frozen = trunk.frozen(OldParameters(frozen_norm=norm))
    still = unchanging(identities, frozen, frozen_norm=norm)
    optimizer = SGD(trunk.parameters(), 0.1, momentum=0.9, weight_decay=0.1)
    before = {name: identities[name].tensor.clone() for name in frozen}

    for seed in range(3):
        set_train_mode(trunk, identities, frozen, frozen_norm=norm)
        trunk.new(trunk.trunk(batch(trunk, seed))).square().sum().backward()
        optimizer.step()

    assert {"0/trunk.0.weight", "0/trunk.0.bias"} <= still
    assert {name for name in frozen if torch.equal(identities[name].tensor, before[name])} == still
    assert len(still) == (5 if norm == "eval" else 2)
