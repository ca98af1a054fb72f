import math
from typing import Any

import pytest
import torch
from torch.testing import assert_close

from harness.core.errors import SpecError
from harness.initializers import LayerContext, PriorBias

TARGETS = torch.tensor([0, 1, 1, 2, 2, 2, -1, -1])


def bias(targets: torch.Tensor | None = None, rows: int = 3, **settings: Any) -> torch.Tensor:
    return PriorBias(**settings).values((rows,), LayerContext(4, rows, targets=targets), torch.Generator())


def test_a_softmax_of_the_biases_says_how_frequent_the_classes_are() -> None:
    targets = TARGETS[TARGETS >= 0]

    assert_close(bias(targets, smoothing=0).softmax(dim=0), torch.tensor([1, 2, 3]) / 6)


def test_examples_of_no_new_class_count_among_all() -> None:
    assert_close(bias(TARGETS, smoothing=0), (torch.tensor([1, 2, 3]) / 8).log())


def test_smoothing_counts_examples_of_every_class() -> None:
    assert_close(bias(TARGETS, rows=4), (torch.tensor([2, 3, 4, 1]) / 12).log())


def test_a_sigmoid_of_the_biases_is_the_prior() -> None:
    assert_close(bias(prior=0.01, link="sigmoid"), torch.full((3,), -math.log(0.99 / 0.01)))
    assert_close(bias(prior=(0.1, 0.2, 0.5), link="sigmoid").sigmoid(), torch.tensor([0.1, 0.2, 0.5]))


def test_a_prior_goes_before_the_targets() -> None:
    assert_close(bias(TARGETS, prior=0.5), torch.full((3,), math.log(0.5)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "expected targets of examples for 'prior_bias', found none"),
        ({"prior": (0.1, 0.2)}, "expected a prior for each of 3 new rows, found 2"),
        ({"targets": torch.tensor([0, 1]), "smoothing": 0}, "expected examples of every new class.*give a smoothing"),
        ({"targets": torch.tensor([0]), "rows": 1, "smoothing": 0, "link": "sigmoid"}, "and for a sigmoid of others"),
        ({"targets": torch.tensor([0, 3])}, "expected targets among the 3 new rows"),
    ],
)
def test_a_frequency_that_cannot_be_known_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        bias(**settings)


@pytest.mark.parametrize("prior", [0, 1, -0.1, (0.5, 1.0)])
def test_a_prior_lies_between_zero_and_one(prior: Any) -> None:
    with pytest.raises(SpecError):
        PriorBias(prior=prior)
