"""Functions of torch that a map over networks calls otherwise than torch's own rules would, since those change bits."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from harness.training.packing.batching import is_mapped, mapped, outside, unmapped
from harness.training.packing.dropout import dropped
from harness.training.packing.linear import linear

__all__ = ["ExactFunctions"]

# They round otherwise, or change statistics in place, unless they are called network by network.
ONE_BY_ONE = {
    "batch_norm", "bilinear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "cross_entropy",
    "embedding", "embedding_bag", "group_norm", "gru", "instance_norm", "layer_norm", "lstm",
    "multi_head_attention_forward", "rms_norm", "scaled_dot_product_attention",
}  # fmt: skip
# Those of them that may draw random numbers, from torch's global generator.
DRAWING = {"gru", "lstm", "multi_head_attention_forward", "scaled_dot_product_attention"}
# Of values that fill no vector, kernels compute the last ones in another way.
CURVED = {
    "celu", "cos", "elu", "erf", "exp", "expm1", "gelu", "hardsigmoid", "hardswish", "log", "log1p", "log_softmax",
    "logsigmoid", "mish", "pow", "rsqrt", "selu", "sigmoid", "silu", "sin", "softmax", "softplus", "tanh",
}  # fmt: skip
VECTOR_VALUES = 64  # at least what kernels take at a time


class ExactFunctions(TorchFunctionMode):
    """Calls some functions of `count` mapped networks so that each network gets the bits of its own call.

    Args:
        count: networks.
        streams: from which each network's dropout draws.
    """

    def __init__(self, count: int, streams: Sequence[torch.Generator] | None) -> None:
        super().__init__()
        self._count, self._streams = count, streams

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call `func`, or what stands in its place."""
        del types
        named = dict(kwargs or {})
        if func is functional.linear:
            return self._linear(*args, **named)
        if func is functional.dropout:
            return self._dropout(*args, **named)
        name = getattr(func, "__name__", "").rstrip("_")
        if name in ONE_BY_ONE or (name in CURVED and _fills_no_vector(args)):
            return self._one_by_one(func, args, named)
        return func(*args, **named)

    def _linear(self, inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        given = [one for one in (inputs, weight, bias) if one is not None]
        if not all(map(is_mapped, given)) or inputs.dim() < 2:
            outputs: Tensor = self._one_by_one(functional.linear, (inputs, weight, bias), {})
            return outputs
        rows = [unmapped(one, self._count) for one in given]
        with outside(self._count):
            whole = linear(rows[0].flatten(1, -2), rows[1], rows[2] if bias is not None else None)
            whole = whole.view(*rows[0].shape[:-1], -1)
        return mapped(whole)

    def _dropout(self, values: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        if not training or not p:
            return values
        if inplace or self._streams is None or not is_mapped(values):
            raise RuntimeError("expected dropout that a pack can call, found another")
        rows = unmapped(values, self._count)
        with outside(self._count):
            kept = dropped(rows, p, self._streams)
        return mapped(kept)

    def _one_by_one(self, func: Callable[..., Any], args: Sequence[Any], named: Mapping[str, Any]) -> Any:
        flat, shape = torch.utils._pytree.tree_flatten((list(args), dict(named)))  # noqa: SLF001
        if not any(map(is_mapped, flat)):
            return func(*args, **named)
        # One object stays one: attention asks whether its queries are its keys.
        known = {id(one): unmapped(one, self._count).unbind() for one in flat if is_mapped(one)}
        rows = [known.get(id(one), [one] * self._count) for one in flat]
        streams = self._streams if self._streams and getattr(func, "__name__", "") in DRAWING else [None] * self._count
        with outside(self._count):
            results = [
                _called(func, shape, own, stream) for own, stream in zip(zip(*rows, strict=True), streams, strict=True)
            ]
            joined, form = _joined(results)
        flat = [mapped(one) if isinstance(one, Tensor) else one for one in joined]
        return torch.utils._pytree.tree_unflatten(flat, form)  # noqa: SLF001


def _called(func: Callable[..., Any], shape: Any, flat: Sequence[Any], stream: torch.Generator | None) -> Any:
    """Call a function of one network, whose stream takes the place of the global one if it may draw."""
    args, named = torch.utils._pytree.tree_unflatten(list(flat), shape)  # noqa: SLF001
    if stream is None:
        return func(*args, **named)
    torch.set_rng_state(stream.get_state())
    result = func(*args, **named)
    stream.set_state(torch.get_rng_state())
    return result


def _joined(results: Sequence[Any]) -> tuple[list[Any], Any]:
    """Return the tensors `[K, ...]` of all results, with all else that a result holds, and the form of one."""
    flat, forms = zip(*map(torch.utils._pytree.tree_flatten, results), strict=True)  # noqa: SLF001
    columns = (list(column) for column in zip(*flat, strict=True))
    return [torch.stack(one) if isinstance(one[0], Tensor) else one[0] for one in columns], forms[0]


def _fills_no_vector(args: Sequence[Any]) -> bool:
    return any(isinstance(one, Tensor) and one.numel() % VECTOR_VALUES for one in args)
