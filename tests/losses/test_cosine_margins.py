"""Losses of heads that answer by cosines (LUCIR), checked against the authors' formulas."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from harness.core.errors import SpecError
from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.losses import Batch, LessForget, MarginRanking

LABELS = torch.tensor([0, 1, 3, 2, 4, 1])
SPECS = OutputSpecs(LabelMap.of({"known": (0, 1, 2, 3, 4, 5)}, arrived={3: 2, 4: 2, 2: 2}, hidden=(5,)))


def batch_of(cosines: Tensor, specs: OutputSpecs = SPECS) -> Batch:
    return Batch({"known": 10 * cosines}, torch.zeros(6, 1), LABELS, specs, features={"output.cosines": cosines})


def authors(cosines: Tensor, margin: float, nearest: int) -> Tensor:
    """Return the loss as the authors' code computes it, in the classes' own columns; the last three are new."""
    old = LABELS < 2
    scores = cosines[:, :5]
    truth = scores.gather(1, LABELS[:, None])[old].repeat(1, nearest)
    hardest = scores[:, 2:].topk(nearest, dim=1).values[old]
    ones = torch.ones(int(old.sum()) * nearest)
    loss: Tensor = nn.MarginRankingLoss(margin=margin)(truth.flatten(), hardest.flatten(), ones)
    return loss * nearest  # the code's mean is over examples and classes; equation 8 sums over classes


@pytest.mark.parametrize(("margin", "nearest"), [(0.5, 2), (0.2, 1), (1.5, 3)])
def test_old_examples_keep_a_margin_to_the_nearest_new_classes(margin: float, nearest: int) -> None:
    cosines = 2 * torch.rand(6, 6, generator=torch.Generator().manual_seed(0)) - 1
    loss = MarginRanking(tap="output.cosines", margin=margin, nearest=nearest)

    found = loss.components("margin", batch_of(cosines))["margin"]

    torch.testing.assert_close(found, authors(cosines, margin, nearest))
    assert loss.counts("margin", batch_of(cosines)) == {"margin": torch.tensor(3)}


def test_more_nearest_classes_than_are_new_are_all_of_them() -> None:
    cosines = torch.rand(6, 6, generator=torch.Generator().manual_seed(0))

    three, many = (MarginRanking(tap="output.cosines", nearest=count) for count in (3, 5))

    torch.testing.assert_close(many.components("it", batch_of(cosines)), three.components("it", batch_of(cosines)))


def test_before_the_first_arrival_there_is_no_component() -> None:
    start = OutputSpecs(LabelMap.of({"known": (0, 1, 2, 3, 4, 5)}))

    assert MarginRanking(tap="output.cosines").components("it", batch_of(torch.ones(6, 6), start)) == {}
    assert MarginRanking(tap="output.cosines").before_growth is None


def test_a_batch_of_new_classes_alone_has_no_loss() -> None:
    batch = replace(batch_of(torch.rand(6, 6)), labels=torch.tensor([2, 3, 4, 2, 3, 4]))

    assert MarginRanking(tap="output.cosines").components("it", batch) == {"it": torch.tensor(0.0)}


def test_a_tap_of_other_columns_is_refused() -> None:
    with pytest.raises(SpecError, match=r"expected cosines \[B, 6\] of the output 'known' at 'output.cosines', found"):
        MarginRanking(tap="output.cosines").components("it", batch_of(torch.ones(6, 4)))


def test_features_keep_their_directions() -> None:
    now, old = torch.randn(6, 4), torch.randn(6, 4)
    batch = replace(batch_of(torch.ones(6, 6)), features={"hidden": now}, teacher={}, teacher_features={"hidden": old})
    expected = nn.CosineEmbeddingLoss()(now, old, torch.ones(6))  # as in the authors' code

    plain = LessForget(tap="hidden", adaptive=False).components("it", batch)["it"]
    adaptive = LessForget(tap="hidden").components("it", batch)["it"]

    torch.testing.assert_close(plain, expected)
    torch.testing.assert_close(adaptive, (2 / 3) ** 0.5 * expected)
    assert LessForget(tap="other").components("it", batch) == {}


def test_features_that_grew_are_refused() -> None:
    batch = replace(
        batch_of(torch.ones(6, 6)), features={"hidden": torch.ones(6, 5)}, teacher_features={"hidden": torch.ones(6, 4)}
    )

    with pytest.raises(SpecError, match=r"expected features of the teacher's shape \(6, 4\) at tap 'hidden', found"):
        LessForget(tap="hidden").components("it", batch)
