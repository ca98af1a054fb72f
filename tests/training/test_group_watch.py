import pytest
import torch
from torch import nn

from harness.training.group_watch import GroupWatch


def test_it_measures_each_group_that_moves() -> None:
    moving, still = nn.Parameter(torch.zeros(4)), nn.Parameter(torch.zeros(4))
    optimizer = torch.optim.SGD([{"params": [moving]}, {"params": [still]}], lr=0.5)
    moving.grad = torch.tensor([3.0, -4.0, 0.0, 0.0])

    watch = GroupWatch(optimizer)
    optimizer.step()

    found = {name: value.item() for name, value in watch.measured().items()}
    assert found == {"grad_norm/group_0": 5, "update_over_lr/group_0": pytest.approx((3 + 4) / 4)}
