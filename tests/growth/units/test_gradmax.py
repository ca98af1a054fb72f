"""The ordering of the paper's experiment with a teacher and students (arXiv 2201.05125, figure 3a)."""

import pytest
import torch
from torch import Tensor, nn

from harness.growth import Probe, WidenLayer, grow
from harness.growth.units import AbstractUnits, GradMaxUnits, RandomUnits
from harness.initializers import TruncatedNormal, XavierUniform

# Both begin with incoming weights of almost zero, and differ in the direction of the outgoing ones.
GRADMAX, RANDOM = GradMaxUnits(), RandomUnits(incoming=TruncatedNormal(std=1e-7), outgoing=XavierUniform())
GROWTHS = 5


def network(width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(10, width, bias=False), nn.ReLU(), nn.Linear(width, 10, bias=False))


def taught() -> tuple[Tensor, Tensor]:
    """Return 1000 random inputs, and what a teacher with ten hidden units says of them."""
    torch.manual_seed(0)
    teacher, inputs = network(10), torch.randn(1000, 10)
    for parameter in teacher.parameters():
        nn.init.uniform_(parameter, -1, 1)
    return inputs, teacher(inputs).detach()


def losses(method: AbstractUnits, seed: int, interval: int) -> list[float]:
    """Return a student's training loss just before each of its growths, from 5 units to 10, and at the end."""
    inputs, targets = taught()
    torch.manual_seed(seed)
    student, loss, found = network(GROWTHS), nn.MSELoss(), []
    optimizer = torch.optim.SGD(student.parameters(), lr=0.1)
    for number in range(GROWTHS + 1):
        for _ in range(interval):
            optimizer.zero_grad()
            loss(student(inputs), targets).backward()
            optimizer.step()
        found.append(loss(student(inputs), targets).item())
        if number < GROWTHS:
            operation, probe = WidenLayer(path="0", by=1, method=method), Probe(inputs, targets, loss=loss)
            grow(student, optimizer, operation, probe=probe, seed=seed)
    return found


@pytest.mark.parametrize(
    ("interval", "seeds"), [(60, 2), pytest.param(200, 10, marks=[pytest.mark.campaign, pytest.mark.slow])]
)
def test_a_student_learns_faster_after_each_growth_that_follows_the_gradient(interval: int, seeds: int) -> None:
    curves = [torch.tensor([losses(method, seed, interval) for seed in range(seeds)]) for method in (GRADMAX, RANDOM)]

    following, random = (curve.mean(0) for curve in curves)

    assert torch.equal(curves[0][:, 0], curves[1][:, 0])
    assert (following[1:] < random[1:]).all(), (following, random)
