import pytest
import torch
from torch.nn.functional import cosine_similarity, normalize
from torch.testing import assert_close

from harness.core.errors import SpecError
from harness.initializers import Imprint, LayerContext

FEATURES = torch.randn(12, 5, generator=torch.Generator().manual_seed(0)) * torch.logspace(-2, 2, 12)[:, None]
TARGETS = torch.tensor([0, 0, 1, 1, 1, -1, 2, 2, -1, 0, 2, 1])


def rows(init: Imprint, old: torch.Tensor | None = None, targets: torch.Tensor = TARGETS) -> torch.Tensor:
    context = LayerContext(5, 3, old=old, features=FEATURES, targets=targets)
    return init.values((3, 5), context, torch.Generator())


def test_each_row_points_to_the_mean_direction_of_its_class() -> None:
    means = torch.stack([normalize(FEATURES[row == TARGETS], dim=1).mean(dim=0) for row in range(3)])

    assert_close(cosine_similarity(rows(Imprint()), means), torch.ones(3))


def test_rows_of_a_new_layer_have_length_one() -> None:
    assert_close(rows(Imprint()).norm(dim=1), torch.ones(3))


def test_rows_that_join_others_are_as_long_as_those_on_average() -> None:
    old = torch.diag(torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]))

    assert_close(rows(Imprint(), old).norm(dim=1), torch.full((3,), 3.0))
    assert_close(rows(Imprint(norm=0.5), old).norm(dim=1), torch.full((3,), 0.5))


def test_one_example_is_its_own_row() -> None:
    context = LayerContext(5, 1, features=FEATURES[:1], targets=torch.tensor([0]))

    row = Imprint().values((1, 5), context, torch.Generator())

    assert_close(row, normalize(FEATURES[:1], dim=1))


def test_a_pointwise_convolution_is_imprinted_as_a_linear_layer_is() -> None:
    context = LayerContext(5, 3, features=FEATURES, targets=TARGETS)

    kernel = Imprint().values((3, 5, 1, 1), context, torch.Generator())

    assert torch.equal(kernel[:, :, 0, 0], rows(Imprint()))


def test_a_class_without_examples_is_refused() -> None:
    with pytest.raises(SpecError, match=r"expected examples of every new row for 'imprint', found none of \[1\]"):
        rows(Imprint(), targets=torch.where(TARGETS == 1, -1, TARGETS))
