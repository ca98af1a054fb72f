import torch

from harness.core.transfer import to_device


def test_what_stays_on_the_cpu_is_not_copied() -> None:
    values = torch.arange(3)

    assert to_device(values, torch.device("cpu")) is values
