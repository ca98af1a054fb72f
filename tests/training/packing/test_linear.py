import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from harness.training.packing import linear as module
from harness.training.packing.linear import linear
from harness.training.packing.shared_storage import aligned


def tensors(count: int, *shape: int, seed: int) -> Tensor:
    """Return rows that lie in memory as those of shared parameters do."""
    values = torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed))
    return aligned(values, count, shape).copy_(values)


def learned(function: object, inputs: Tensor, weights: Tensor, biases: Tensor | None) -> list[Tensor]:
    """Return the outputs of a function, and the gradients of its arguments."""
    leaves = [one.detach().requires_grad_() for one in (inputs, weights, biases) if one is not None]
    outputs = function(*leaves) if biases is not None else function(*leaves, None)  # type: ignore[operator]
    outputs.relu().square().sum().backward()
    return [outputs.detach(), *(leaf.grad for leaf in leaves if leaf.grad is not None)]


@given(
    count=st.integers(1, 4),
    batch=st.integers(1, 20),
    inputs=st.integers(1, 20),
    outputs=st.integers(1, 20),
    biased=st.booleans(),
)
@settings(max_examples=40)
def test_layers_at_once_are_each_layer_to_the_bit(
    count: int, batch: int, inputs: int, outputs: int, biased: bool
) -> None:
    values = torch.randn(count, batch, inputs, generator=torch.Generator().manual_seed(1)).relu()
    weights = tensors(count, outputs, inputs, seed=2)
    biases = tensors(count, outputs, seed=3) if biased else None

    found = learned(linear, values, weights, biases)

    for row in range(count):
        bias = None if biases is None else biases[row].clone()
        own = learned(functional.linear, values[row].clone(), weights[row].clone(), bias)
        assert all(torch.equal(one[row], other) for one, other in zip(found, own, strict=True))
        assert all(torch.equal(one[row].signbit(), other.signbit()) for one, other in zip(found, own, strict=True))


def test_what_is_frozen_gets_no_gradient() -> None:
    weights, values = tensors(2, 3, 4, seed=1), tensors(2, 5, 4, seed=2).requires_grad_()

    linear(values, weights, None).sum().backward()

    assert weights.grad is None
    assert values.grad is not None


def test_a_kernel_that_rounds_otherwise_once_in_a_while_is_found_out() -> None:
    draws: list[int] = []

    def seldom_right(left: Tensor, right: Tensor) -> Tensor:
        draws.append(1)
        return torch.bmm(left, right) + (1e-3 if len(draws) > 2 else 0)

    layouts = [module._layout(one) for one in (tensors(2, 16, 16, seed=1), tensors(2, 16, 16, seed=2))]

    assert not module._rounds_alike(seldom_right, torch.mm, *layouts)
