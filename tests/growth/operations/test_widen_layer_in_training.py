from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from harness.growth import Probe, grow
from harness.growth.operations import WidenLayer
from harness.growth.units import AbstractUnits, CopiedUnits, GradMaxUnits, PairedUnits, RandomUnits
from harness.models import MLP

METHODS: list[AbstractUnits] = [CopiedUnits(), CopiedUnits(noise=0), PairedUnits(), RandomUnits(), GradMaxUnits()]


OPTIMIZERS: dict[str, Callable[[Any], Optimizer]] = {
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=0.05, momentum=0.9),
    "adamw": lambda parameters: torch.optim.AdamW(parameters, lr=0.01),
}


def smooth() -> nn.Module:
    """Return a convolutional network none of whose units can be dead."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2, bias=False),
        nn.BatchNorm2d(4),
        nn.GELU(),
        nn.Conv2d(4, 6, 2, bias=False),
        nn.BatchNorm2d(6),
        nn.ELU(),
        nn.Flatten(),
        nn.Linear(24, 5),
        nn.Sequential(nn.Tanh(), nn.Dropout(0.2), nn.Linear(5, 3)),
    )


def step(model: nn.Module, optimizer: Optimizer, images: Tensor) -> None:
    optimizer.zero_grad()
    outputs = model(images)
    values = outputs.values() if isinstance(outputs, dict) else [outputs]
    torch.stack([(value - torch.arange(value.shape[1])).square().mean() for value in values]).sum().backward()
    optimizer.step()


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("method", METHODS, ids=repr)
@pytest.mark.parametrize("path", ["0", "3", "7"])
def test_old_moments_stay_to_the_bit_and_every_new_entry_moves(
    path: str, method: AbstractUnits, make: Callable[[Any], Optimizer]
) -> None:
    model, images = smooth(), torch.randn(64, 1, 8, 8, generator=torch.Generator().manual_seed(2))
    probe, optimizer = Probe(images, torch.arange(64) % 3), make(model.parameters())
    for _ in range(3):
        step(model, optimizer, images)
    moments = {p: {k: torch.as_tensor(v).clone() for k, v in optimizer.state[p].items()} for p in model.parameters()}

    growth = grow(model, optimizer, WidenLayer(path=path, by=2, method=method), probe=probe).growth

    assert len(growth.carried) >= 3
    for item in growth.carried:
        for key, value in moments[item.old].items():
            kept = torch.as_tensor(optimizer.state[item.new][key])
            assert torch.equal(kept if value.dim() == 0 else kept[item.region], value)
            assert kept.count_nonzero() == value.count_nonzero()
    before = [item.new.detach().clone() for item in growth.carried]
    for _ in range(4):
        step(model.train(), optimizer, images)
    for item, old in zip(growth.carried, before, strict=True):
        is_new = torch.ones_like(old)
        is_new[item.region] = 0
        assert ((item.new != old) & is_new.bool()).sum() > 0.9 * is_new.sum()


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize(
    ("method", "pair"), [(CopiedUnits(), (0, 6)), (PairedUnits(), (6, 7))], ids=["copies", "pairs"]
)
def test_twins_part(method: AbstractUnits, pair: tuple[int, int], make: Callable[[Any], Optimizer]) -> None:
    model, inputs = MLP(inputs=64, widths=(6,), activation="tanh").build(3), torch.randn(20, 1, 8, 8)
    optimizer = make(model.parameters())
    growth = grow(model, optimizer, WidenLayer(path="hidden.0.linear", by=2, method=method), probe=Probe(inputs)).growth
    weight = growth.carried[0].new
    first, second = pair
    if isinstance(method, CopiedUnits):
        first = next(unit for unit in range(6) if torch.equal(weight[unit], weight[second]))
    assert torch.equal(weight[first], weight[second])

    for _ in range(20):
        step(model, optimizer, inputs)

    assert (weight[first] - weight[second]).abs().mean() > 3e-4


def test_copies_without_noise_stay_twins() -> None:
    model, inputs = MLP(inputs=64, widths=(6,), activation="tanh").build(3), torch.randn(20, 1, 8, 8)
    widening = WidenLayer(path="hidden.0.linear", by=6, method=CopiedUnits(noise=0))
    widening.apply(model, probe=Probe(inputs), generator=torch.Generator().manual_seed(0))
    optimizer, weight = torch.optim.SGD(model.parameters(), lr=0.05), model.get_parameter("hidden.0.linear.weight")

    for _ in range(20):
        step(model, optimizer, inputs)

    distances = torch.cdist(weight[:6], weight[6:])
    assert distances.min(dim=1).values.max() < 1e-5


@pytest.mark.campaign
def test_a_compiled_network_grows() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    compiled: Any = torch.compile(model, backend="aot_eager")
    inputs, optimizer = torch.randn(5, 3), torch.optim.SGD(model.parameters(), lr=0.1)
    before = compiled(inputs)

    grow(compiled, optimizer, WidenLayer(path="0", by=3), probe=Probe(inputs))

    torch.testing.assert_close(compiled(inputs), before)
