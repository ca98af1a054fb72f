"""Networks that compute more in train mode than in eval mode."""

import copy
import random
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD

from harness.core.errors import ModulePathError
from harness.growth import Probe, Promise, PruneUnits, WidenLayer, grow
from harness.growth.operations import AbstractOperation
from harness.growth.units import CopiedUnits, RandomUnits

INPUTS = torch.randn(16, 8, generator=torch.Generator().manual_seed(0))


class Net(nn.Module):
    """A layer `a` of 12 units, whose readers differ by mode in subclasses."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.norm, self.out = nn.Linear(8, 12), nn.BatchNorm1d(12), nn.Linear(12, 3)
        self.aux = nn.Linear(12, 3)

    def features(self, x: Tensor) -> Tensor:
        """Return `[B, 12]` for `x` `[B, 8]`."""
        return torch.relu(self.norm(self.a(x)))

    def forward(self, x: Tensor) -> Any:
        """Return `[B, 3]` for `x` `[B, 8]`."""
        return self.out(self.features(x))


class Auxiliary(Net):
    """Has an auxiliary classifier in train mode, as GoogLeNet has."""

    def forward(self, x: Tensor) -> Any:
        h = self.features(x)
        return (self.out(h), self.aux(h)) if self.training else self.out(h)


class Summing(Net):
    """Adds the sum of the units in train mode."""

    def forward(self, x: Tensor) -> Any:
        h = self.features(x)
        return self.out(h) + h.sum(1, keepdim=True) if self.training else self.out(h)


class Divided(Net):
    """Has one reader in train mode and another one in eval mode."""

    def forward(self, x: Tensor) -> Any:
        h = self.features(x)
        return self.out(h) if self.training else self.aux(h)


class Drawing(Net):
    """Draws in train mode what depends on the number of units, and counts."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.seen: Tensor
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x: Tensor) -> Any:
        h = functional.dropout(self.features(x), 0.5, self.training)
        if self.training:
            self.calls, self.seen = self.calls + 1, self.seen.add_(1)
            h = h * (1 + 0.1 * torch.rand_like(h)) + 0.1 * random.random() * torch.randn(1)
        return self.out(h)


class Targeted(Net):
    """Needs targets in train mode."""

    def forward(self, x: Tensor, targets: Tensor | None = None) -> Any:
        if self.training and targets is None:
            raise ValueError("expected targets")
        return super().forward(x)


WIDER = WidenLayer(path="a", by=5, method=CopiedUnits(noise=0.1))
OPERATIONS = [WIDER, WidenLayer(path="a", by=5, method=RandomUnits()), PruneUnits(path="a", by=5)]


def built(kind: type[Net], *, training: bool) -> Net:
    torch.manual_seed(1)
    model = kind()
    model(INPUTS, *([torch.zeros(16)] if kind is Targeted else []))
    return model.train(training)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("operation", OPERATIONS, ids=["copied", "random", "pruned"])
def test_what_reads_units_in_train_mode_alone_grows_along(operation: AbstractOperation, training: bool) -> None:
    model = built(Auxiliary, training=training)
    before = model.eval()(INPUTS)
    model.train(training)

    grow(model, SGD(model.parameters(), lr=0.1), operation, probe=Probe(INPUTS))

    assert [module.training for module in model.modules()] == [training] * 5
    assert model.aux.in_features == len(model.a.weight) != 12
    after = model.eval()(INPUTS)
    assert operation.promise() is Promise.NONE or torch.allclose(after, before, atol=1e-5)
    assert len(model.train()(INPUTS)) == 2


@pytest.mark.parametrize("kind", [Summing, Divided])
@pytest.mark.parametrize("operation", OPERATIONS, ids=["copied", "random", "pruned"])
def test_what_no_mode_shows_as_a_whole_is_refused(operation: AbstractOperation, kind: type[Net]) -> None:
    model = built(kind, training=True)
    optimizer = SGD(model.parameters(), lr=0.1)
    before = dict(model.named_parameters())

    with pytest.raises(ModulePathError, match="in train mode, found that it does not, though in eval mode") as raised:
        grow(model, optimizer, operation, probe=Probe(INPUTS))

    assert "\n" not in str(raised.value)
    assert all(parameter is before[name] for name, parameter in model.named_parameters())


def test_train_mode_is_looked_at_without_a_trace() -> None:
    model = built(Drawing, training=True)
    names = ("norm.running_mean", "norm.num_batches_tracked", "seen")
    state, streams, calls = copy.deepcopy(model.state_dict()), (torch.get_rng_state(), random.getstate()), model.calls

    grow(model, SGD(model.parameters(), lr=0.1), WIDER, probe=Probe(INPUTS))

    after = model.state_dict()
    assert len(model.a.weight) == 17
    assert model.calls == calls
    assert all(torch.equal(after[name][:12] if after[name].dim() else after[name], state[name]) for name in names)
    assert torch.equal(torch.get_rng_state(), streams[0])
    assert random.getstate() == streams[1]


@pytest.mark.parametrize("training", [True, False])
def test_a_network_that_cannot_be_called_in_train_mode_grows_as_in_eval_mode(training: bool) -> None:
    model = built(Targeted, training=training)

    grow(model, SGD(model.parameters(), lr=0.1), WIDER, probe=Probe(INPUTS))

    assert len(model.a.weight) == 17
