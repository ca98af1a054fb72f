import torch

from harness.initializers import LayerContext, LikeOldRows


def drawn(scale: float, old: torch.Tensor, rows: int) -> torch.Tensor:
    context = LayerContext(fan_in=old[0].numel(), fan_out=len(old), old=old)
    return LikeOldRows(scale=scale).values((rows, *old.shape[1:]), context, torch.Generator().manual_seed(0))


def test_rows_have_the_mean_and_the_covariance_of_old_ones() -> None:
    generator = torch.Generator().manual_seed(1)
    old = torch.randn(50, 3, generator=generator) @ torch.tensor([[1.0, 2, 0], [0, 1, 0], [0, 0, 0.1]]) + 5

    rows = drawn(1.0, old, 20_000)

    torch.testing.assert_close(rows.mean(dim=0), old.mean(dim=0), rtol=0, atol=0.05)
    torch.testing.assert_close(rows.T.cov(), old.T.cov(correction=0), rtol=0.05, atol=0.02)


def test_by_default_rows_are_all_but_equal_to_the_mean() -> None:
    old = torch.randn(50, 3, generator=torch.Generator().manual_seed(1))

    rows = drawn(1e-9, old, 4)

    torch.testing.assert_close(rows, old.mean(dim=0).expand(4, 3), rtol=0, atol=1e-3)
    assert len(rows.unique(dim=0)) == 4
