import pytest
import torch
from torch.nn.functional import one_hot
from torch.testing import assert_close

from harness.initializers import LayerContext, Ridge

FEATURES = torch.randn(40, 6, generator=torch.Generator().manual_seed(0))
TARGETS = torch.randint(-1, 3, (40,), generator=torch.Generator().manual_seed(1))
WANTED = one_hot(TARGETS + 1, 4)[:, 1:].float()


def rows(init: Ridge, features: torch.Tensor = FEATURES, targets: torch.Tensor = TARGETS) -> torch.Tensor:
    context = LayerContext(features.shape[1], 3, features=features, targets=targets)
    return init.values((3, features.shape[1]), context, torch.Generator())


@pytest.mark.parametrize("penalty", [1e-3, 0.1, 10.0])
def test_the_penalized_squared_error_has_no_slope_there(penalty: float) -> None:
    weight = rows(Ridge(penalty=penalty)).double().requires_grad_()

    errors = (FEATURES.double() @ weight.T - WANTED).square().sum(dim=1).mean()
    (errors + penalty * weight.square().sum()).backward()

    assert weight.grad is not None
    assert float(weight.grad.abs().max()) < 1e-6


def test_examples_that_can_be_told_apart_are() -> None:
    centers = 3 * torch.eye(3, 6)
    targets = torch.arange(30) % 3

    logits = (centers[targets] + 0.1 * FEATURES[:30]) @ rows(Ridge(), centers[targets] + 0.1 * FEATURES[:30], targets).T

    assert torch.equal(logits.argmax(dim=1), targets)


def test_more_features_than_examples_are_no_obstacle() -> None:
    weight = rows(Ridge(), torch.randn(4, 50), torch.tensor([0, 1, 2, -1]))

    assert weight.isfinite().all()


def test_the_scale_makes_logits_bolder() -> None:
    assert_close(rows(Ridge(scale=5.0)), 5 * rows(Ridge()))
