"""Kernels that have no deterministic form: which module called one, and what to do.

Runs repeat to the bit, so torch refuses such kernels. The project itself calls none. On a GPU these are left to a
user's modules, by torch's documentation of `use_deterministic_algorithms`: the gradients of `AdaptiveAvgPool2d` and
`3d` (of more than one cell), `AdaptiveMaxPool2d`, `AvgPool3d`, `FractionalMaxPool2d` and `3d`, `ReflectionPad1d` to
`3d`, linear, bilinear, bicubic and trilinear `Upsample`, `grid_sample`, `CTCLoss` and `EmbeddingBag` with `mode="max"`;
also `MaxUnpool1d` to `3d`, the cross-entropy of maps, `cumsum` of floating-point numbers, `histc`, `kthvalue`, `median`
with indices, `bincount` with weights, `put_`, and `scatter_reduce` of products.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from torch import nn

from harness.core.errors import SpecError

__all__ = ["explained_nondeterminism"]

MESSAGE = re.compile(r"(\S.*?) does not have a deterministic implementation")


@contextmanager
def explained_nondeterminism(model: nn.Module) -> Iterator[None]:
    """Say which module of `model` called a kernel without a deterministic form, if code in the block fails of that.

    Raises:
        SpecError: it does; any other error passes.
    """
    try:
        yield
    except RuntimeError as error:
        if found := MESSAGE.match(str(error)):
            raise SpecError(_explanation(found[1], model, error.__traceback__)) from error
        raise


def _explanation(kernel: str, model: nn.Module, trace: TracebackType | None) -> str:
    return (
        f"expected kernels that give the same bits each time, found {kernel}, which has no such form here, called by "
        f"{_caller(kernel, model, trace)}; put another layer in its place, such as a mean or a strided convolution for "
        "a pooling, or train with device='cpu' if it has one there"
    )


def _caller(kernel: str, model: nn.Module, trace: TracebackType | None) -> str:
    """Return which module called the kernel, or which ones may have."""
    running = _innermost(trace)
    # A backward pass is in no module; kernels are called like the modules whose gradients they compute.
    name = re.sub(r"[\W_]|ing(?=\dd)", "", kernel).lower()
    alike = [module for module in model.modules() if name.startswith(_plain_name(module))]
    paths = {id(module): path.removeprefix("backbone.") for path, module in model.named_modules()}
    suspects = [module for module in ([running] if running is not None else alike) if paths.get(id(module))]
    named = [f"the module {paths[id(module)]!r}, {' '.join(repr(module).split()):.80}" for module in suspects]
    return " or ".join(named) or "a function that the network or a loss calls"


def _plain_name(module: nn.Module) -> str:
    return type(module).__name__.lower()


def _innermost(trace: TracebackType | None) -> nn.Module | None:
    """Return the module whose forward pass was running last."""
    found: nn.Module | None = None
    while trace:
        own = trace.tb_frame.f_locals.get("self")
        if isinstance(own, nn.Module) and trace.tb_frame.f_code.co_name == "forward":
            found = own
        trace = trace.tb_next
    return found
