import pytest
import torch

from harness.core.errors import DataError
from harness.data.normalize import Normalize


def test_bytes_are_scaled_then_standardized_by_channel() -> None:
    images = torch.tensor([[[[0]], [[255]]]], dtype=torch.uint8)

    normalized = Normalize(scale=255, mean=(0.5, 0.0), std=(0.25, 2.0))(images)

    assert normalized.flatten().tolist() == [-2.0, 0.5]
    assert normalized.dtype == torch.float32


def test_what_is_normalized_stays_as_it_is() -> None:
    images = torch.ones(2, 1, 1, 1)

    Normalize(mean=(1.0,))(images)

    assert images.sum() == 2


def test_as_many_means_as_there_are_no_channels_are_refused() -> None:
    with pytest.raises(DataError, match=r"one mean for all channels or one for each, found 3 for inputs \(1, 1\)"):
        Normalize(mean=(0.0, 0.0, 0.0))(torch.zeros(1, 1, 1))
