"""Values arrive on a device."""

import torch

from harness.core.transfer import to_device


def test_values_are_the_same_there(device: torch.device) -> None:
    values = torch.randn(1000, generator=torch.Generator().manual_seed(0))

    there = to_device(values.clone(), device)

    assert there.device == device
    assert torch.equal(there.cpu(), values)
