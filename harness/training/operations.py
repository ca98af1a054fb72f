"""Counting the floating-point operations of code as it runs."""

from collections.abc import Callable
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from harness.training.compiler import spare_compiler

__all__ = ["flops_of"]


def flops_of(action: Callable[[], object]) -> int:
    """Return the floating-point operations of the matrix products, convolutions and attention in `action`.

    A product of an `[M, K]` and a `[K, N]` matrix counts as 2MKN: a multiplication and an addition are two operations.
    Backward passes are counted as well. Activations, updates and everything else are not counted, nor are recurrent
    layers that a library computes as one piece. Attention is computed by its matrix products on every device.
    """
    spare_compiler(_Counting.__torch_dispatch__)
    counting = _Counting()  # type: ignore[no-untyped-call]
    with counting, sdpa_kernel(SDPBackend.MATH):
        action()
    return int(counting.flops)


class _Counting(TorchDispatchMode):
    """Sees every operation below autograd; PyTorch knows the formula of those that count."""

    flops: int = 0

    def __torch_dispatch__(
        self,
        func: torch._ops.OpOverload,
        types: tuple[type, ...],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func.overloadpacket)
        if formula:
            self.flops += formula(*args, **(kwargs or {}), out_val=result)
        return result
