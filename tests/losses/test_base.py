import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.losses import total

NAMES = st.sampled_from(["known", "late", "size_reg"])
NUMBERS = st.floats(-100, 100, width=32)


@given(values=st.dictionaries(NAMES, NUMBERS, min_size=1), weights=st.dictionaries(NAMES, st.floats(0, 10, width=32)))
def test_the_total_is_the_weighted_sum(values: dict[str, float], weights: dict[str, float]) -> None:
    whole, weighted = total({name: torch.tensor(value) for name, value in values.items()}, weights)

    expected = {name: weights.get(name, 1.0) * value for name, value in values.items()}
    assert list(weighted) == list(values)
    assert {name: value.item() for name, value in weighted.items()} == pytest.approx(expected, rel=1e-6)
    assert whole.item() == pytest.approx(math.fsum(expected.values()), rel=1e-5, abs=1e-3)


def test_a_weight_not_given_is_one() -> None:
    whole, weighted = total({"known": torch.tensor(2.0), "late": torch.tensor(3.0)}, {"late": 0.5})

    assert whole == 3.5
    assert weighted == {"known": torch.tensor(2.0), "late": torch.tensor(1.5)}


def test_gradients_are_weighted_too() -> None:
    known, late = torch.tensor(2.0, requires_grad=True), torch.tensor(3.0, requires_grad=True)

    whole, _ = total({"known": known, "late": late}, {"late": 0.25})

    assert torch.autograd.grad(whole, [known, late]) == (torch.tensor(1.0), torch.tensor(0.25))


def test_the_components_themselves_are_not_changed() -> None:
    components = {"known": torch.tensor(2.0)}

    total(components, {"known": 7.0})

    assert components == {"known": torch.tensor(2.0)}
