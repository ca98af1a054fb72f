"""Linear layers of several networks as one: the same products, to the bit.

Kernels round by where operands and results lie in memory as well, so that those of each network begin where a tensor of
its own would.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from harness.training.packing.shared_storage import ALIGNED_VALUES, aligned

__all__ = ["linear"]

DRAWS, VALUES = 4, 1500  # at least, before two kernels are taken to round alike
SILENT = 0.1


def linear(inputs: Tensor, weights: Tensor, biases: Tensor | None) -> Tensor:
    """Return `[K, B, O]`: each network's `torch.nn.functional.linear` of inputs `[K, B, I]` and weights `[K, O, I]`."""
    given = [inputs, weights] if biases is None else [inputs, weights, biases]
    if torch.is_autocast_enabled(inputs.device.type):
        given = [one.to(torch.get_autocast_dtype(inputs.device.type)) for one in given]
    outputs: Tensor = _LinearMap.apply(*given, *([None] if biases is None else []))  # type: ignore[no-untyped-call]
    return outputs


class _LinearMap(torch.autograd.Function):
    """The products that autograd makes of one layer, for all networks at once where the batched kernel rounds alike."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weights: Tensor, biases: Tensor | None) -> Tensor:
        # Then autograd gives the inputs' gradients such rows as well; all that has one value is one column, too.
        ctx.columns_first = inputs.stride()[1:] == (1, inputs.shape[1])
        inputs = _aligned_rows(inputs)
        ctx.save_for_backward(inputs, weights)
        ctx.has_bias = biases is not None
        transposed = weights.transpose(1, 2)
        return _products(inputs, transposed) if biases is None else _sums(biases, inputs, transposed)

    @staticmethod
    def backward(ctx: Any, gradients: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        inputs, weights = ctx.saved_tensors
        gradients = _aligned_rows(gradients)
        need_inputs, need_weights, need_biases = ctx.needs_input_grad
        return (
            _input_gradients(gradients, weights, turned=ctx.columns_first) if need_inputs else None,
            _products(gradients.transpose(1, 2), inputs) if need_weights else None,
            gradients.sum(1) if need_biases else None,
        )


def _input_gradients(gradients: Tensor, weights: Tensor, *, turned: bool) -> Tensor:
    if turned:
        return _products(weights.transpose(1, 2), gradients.transpose(1, 2)).transpose(1, 2)
    return _products(gradients, weights)


def _aligned_rows(values: Tensor) -> Tensor:
    """Return `[K, N, M]`, copied if a row begins elsewhere than a tensor could."""
    if values.stride(0) % ALIGNED_VALUES == 0:
        return values
    return aligned(values, len(values), values.shape[1:]).copy_(values)


def _products(left: Tensor, right: Tensor) -> Tensor:
    """Return `[K, N, M]`, each network's product of `[K, N, R]` and `[K, R, M]`."""
    if _rounds_alike(torch.bmm, torch.mm, _layout(left), _layout(right)):
        return torch.bmm(left, right)
    results = aligned(left, len(left), (left.shape[1], right.shape[2]))
    for one, other, result in zip(left.unbind(), right.unbind(), results.unbind(), strict=True):
        torch.mm(one, other, out=result)
    return results


def _sums(biases: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """Return the same with each network's row of `biases` `[K, M]` added."""
    if _rounds_alike(_batched_sums, torch.addmm, None, _layout(left), _layout(right)):
        return _batched_sums(biases, left, right)
    results = aligned(left, len(left), (left.shape[1], right.shape[2]))
    rows = zip(biases.unbind(), left.unbind(), right.unbind(), results.unbind(), strict=True)
    for bias, one, other, result in rows:
        torch.addmm(bias, one, other, out=result)
    return results


def _batched_sums(biases: Tensor, left: Tensor, right: Tensor) -> Tensor:
    return torch.baddbmm(biases.unsqueeze(1), left, right)


_Layout = tuple[torch.Size, tuple[int, ...], torch.dtype, torch.device]


def _layout(tensor: Tensor) -> _Layout:
    return tensor.shape, tensor.stride(), tensor.dtype, tensor.device


@functools.lru_cache(maxsize=4096)
def _rounds_alike(batched: Callable[..., Tensor], single: Callable[..., Tensor], *layouts: _Layout | None) -> bool:
    """Return whether a batched kernel gives the bits of single ones, for tensors that lie so in memory.

    None stands for a row of biases. Kernels choose by shape and layout, so random values decide it; small products of
    two kernels can be the same by chance, but hardly again and again.
    """
    stream = torch.Generator().manual_seed(0)
    (count, rows, _), (_, _, columns) = (layout[0] for layout in layouts if layout is not None)
    draws = max(DRAWS, math.ceil(VALUES / (count * rows * columns)))
    return all(_round_alike(batched, single, layouts, stream) for _ in range(draws))


def _round_alike(
    batched: Callable[..., Tensor],
    single: Callable[..., Tensor],
    layouts: Sequence[_Layout | None],
    stream: torch.Generator,
) -> bool:
    left, right = (_random(layout, stream) for layout in layouts if layout is not None)
    operands = [left, right]
    if None in layouts:
        operands = [torch.randn(len(left), right.shape[2], generator=stream).to(left), left, right]
    apart = [single(*row) for row in zip(*(operand.unbind() for operand in operands), strict=True)]
    together, single_ones = batched(*operands), torch.stack(apart)
    return torch.equal(together, single_ones) and torch.equal(together.signbit(), single_ones.signbit())


def _random(layout: _Layout, stream: torch.Generator) -> Tensor:
    shape, strides, dtype, device = layout
    sizes = [size if stride else 1 for size, stride in zip(shape, strides, strict=True)]  # others are expanded
    tensor = torch.empty_strided(sizes, strides, dtype=dtype, device=device)
    values = torch.randn(sizes, generator=stream)
    # Zeros have signs, and networks many of them, where units are silent.
    return tensor.copy_(values * (torch.rand(sizes, generator=stream) > SILENT)).expand(shape)
