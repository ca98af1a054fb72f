from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.models.eval_mode import without_side_effects
from harness.models.train_view import has_train_view, train_view

INPUTS = torch.ones(4, 6)


class Mode(nn.Module):
    """Returns what is drawn in train mode, and counts in a buffer."""

    def __init__(self, drawn: Any = None) -> None:
        super().__init__()
        self.norm, self.drop = nn.BatchNorm1d(6), nn.Dropout()
        self.drawn: Any = drawn
        self.seen: Tensor
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Return `[B, 6]` for `x` `[B, 6]`."""
        if not self.training:
            return torch.zeros_like(x)
        self.seen.add_(1)
        kept: Tensor = self.drawn(self.drop(self.norm(x)))
        return kept


def shown(model: nn.Module, inputs: Tensor = INPUTS, seed: int | None = 0) -> Tensor:
    with train_view(seed), without_side_effects(model, inputs):
        outputs: Tensor = model(inputs)
    return outputs


@pytest.mark.parametrize(
    "drawn",
    [
        functional.dropout,
        functional.dropout1d,
        lambda x: x + torch.rand_like(x),
        lambda x: x * x.new_empty(len(x), 1).bernoulli_(0.5),
        lambda x: x + torch.empty_like(x).normal_(),
        lambda x: functional.scaled_dot_product_attention(x, x, x, dropout_p=0.5),
        functional.gumbel_softmax,
    ],
)
def test_random_choices_are_the_same_for_any_seed_and_any_number_of_columns(drawn: Any) -> None:
    model, stream = Mode(drawn), torch.get_rng_state()

    first, second = shown(model), shown(model, seed=1)

    assert torch.equal(first, second)
    assert bool((first == first[:1, :1]).all())
    assert torch.equal(torch.get_rng_state(), stream)


def test_own_modules_are_in_train_mode_and_those_of_torch_in_eval_mode() -> None:
    model = Mode(lambda x: x)
    state = {name: value.clone() for name, value in model.state_dict().items()}

    assert shown(model).any()
    assert not shown(model, seed=None).any()
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert all(module.training for module in model.modules())


def test_a_module_that_was_put_into_eval_mode_alone_stays_there() -> None:
    model = nn.Sequential(Mode(lambda x: x), Mode(lambda x: x))
    model[1].eval()

    assert not shown(model).any()
    assert not model[1].training
    assert shown(model.eval()).any()


def test_what_cannot_be_stilled_differs_by_the_seed() -> None:
    model = Mode(lambda x: x + torch.randint(1000, (1,)))

    assert torch.equal(shown(model), shown(model))
    assert not torch.equal(shown(model), shown(model, seed=1))


def test_modules_of_torch_alone_have_no_train_view() -> None:
    assert not has_train_view(nn.Sequential(nn.Linear(2, 2), nn.Dropout()))
    assert has_train_view(nn.Sequential(Mode()))
