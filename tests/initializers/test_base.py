import pytest
import torch

from harness.core.errors import SpecError
from harness.initializers import (
    AbstractInitializer,
    CopyOfParent,
    Identity,
    Imprint,
    LayerContext,
    MeanOfOldRows,
    Orthogonal,
    PriorBias,
    Ridge,
)

OLD, FEATURES, TARGETS = torch.ones(4, 6), torch.ones(2, 6), torch.tensor([0, 1])


@pytest.mark.parametrize("init", [CopyOfParent(parent=0), MeanOfOldRows()], ids=repr)
@pytest.mark.parametrize(
    ("old", "message"),
    [
        (None, "expected rows that the layer has already for .*, found none; use it where a layer gets more rows"),
        (torch.ones(0, 6), "found none"),
        (torch.ones(4, 5), r"expected new rows like the old ones \[5\] for .*, found \[6\]"),
    ],
)
def test_rows_that_are_not_there_are_asked_for(init: AbstractInitializer, old: torch.Tensor, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        init.values((2, 6), LayerContext(6, 4, old=old), torch.Generator())


@pytest.mark.parametrize("init", [Imprint(), Ridge()], ids=repr)
@pytest.mark.parametrize(
    ("context", "message"),
    [
        (
            LayerContext(6, 4, targets=TARGETS),
            "expected features of examples for .*, found none; give a probe with inputs",
        ),
        (
            LayerContext(6, 4, features=FEATURES),
            "expected targets of examples for .*, found none; give a probe with inputs and",
        ),
        (
            LayerContext(6, 4, features=torch.ones(2, 5), targets=TARGETS),
            r"expected features \[B, 6\] for .*, found \[2, 5\]",
        ),
        (
            LayerContext(6, 4, features=FEATURES, targets=TARGETS + 1),
            r"among the 2 new rows, or -1, for .*; found \[1, 2\]",
        ),
        (LayerContext(6, 4, features=FEATURES, targets=TARGETS - 2), r"found \[-2, -1\]"),
    ],
    ids=["features", "targets", "size", "above", "below"],
)
def test_examples_that_are_not_there_are_asked_for(
    init: AbstractInitializer, context: LayerContext, message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        init.values((2, 6), context, torch.Generator())


@pytest.mark.parametrize("init", [Identity(), Imprint(), Orthogonal(), Ridge()], ids=repr)
def test_weights_cannot_fill_a_bias(init: AbstractInitializer) -> None:
    with pytest.raises(
        SpecError, match=r"expected a weight \[rows, in, ...\] for .*, found the shape \[2\]; use 'zeros'"
    ):
        init.values((2,), LayerContext(6, 4, features=FEATURES, targets=TARGETS), torch.Generator())


def test_biases_cannot_fill_a_weight() -> None:
    with pytest.raises(SpecError, match=r"expected a bias \[rows\] for 'prior_bias', found the shape \[2, 6\]"):
        PriorBias(prior=0.1).values((2, 6), LayerContext(6, 4), torch.Generator())
