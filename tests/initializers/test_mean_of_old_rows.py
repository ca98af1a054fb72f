import pytest
import torch
from torch.testing import assert_close

from harness.initializers import LayerContext, MeanOfOldRows

OLD = 3 * torch.randn(50, 400, generator=torch.Generator().manual_seed(0)) + 5


def rows(init: MeanOfOldRows, old: torch.Tensor) -> torch.Tensor:
    return init.values((3, *old.shape[1:]), LayerContext(400, 50, old=old), torch.Generator().manual_seed(1))


def test_without_noise_every_row_is_the_mean() -> None:
    assert_close(rows(MeanOfOldRows(), OLD), OLD.mean(dim=0).expand(3, -1))


def test_new_logits_are_the_mean_of_the_old_ones() -> None:
    features = torch.randn(5, 400)

    assert_close(features @ rows(MeanOfOldRows(), OLD)[0], (features @ OLD.T).mean(dim=1), rtol=1e-4, atol=1e-3)


def test_noise_is_as_wide_as_the_old_rows_lie_apart() -> None:
    noise = rows(MeanOfOldRows(noise=0.5), OLD) - OLD.mean(dim=0)

    assert float(noise.std()) == pytest.approx(0.5 * 3, rel=0.05)
    assert not torch.equal(noise[0], noise[1])


def test_one_old_row_lies_apart_from_nothing() -> None:
    assert_close(rows(MeanOfOldRows(noise=1.0), OLD[:1]), OLD[:1].expand(3, -1))
