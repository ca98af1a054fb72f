"""The proof that a network computes what it computed before."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from harness.core.errors import ModulePathError
from harness.growth.rollback import all_or_nothing
from harness.growth.spaces.switched_on import all_switched_on
from harness.growth.tracing import FAILURES, first_line
from harness.models.attributes import same_attributes
from harness.models.call import call, tensors_in
from harness.models.eval_mode import without_side_effects

__all__ = ["function_kept"]

# The largest difference that is taken for rounding, in units of the largest output.
ROUNDING = {torch.float64: 1e-9, torch.float32: 1e-4, torch.float16: 5e-2, torch.bfloat16: 5e-2}


@contextmanager
def function_kept(
    model: nn.Module,
    inputs: Any,
    what: str,
    advice: str = "",
    *,
    compare: bool = True,
    under: AbstractContextManager[None] | None = None,
) -> Iterator[None]:
    """Compare what `model` computes for the batch `inputs` before and after the block; restore it where it differs.

    Args:
        model: the network.
        inputs: a batch.
        what: what the block does, for the message.
        advice: what to do if it fails, for the message.
        compare: whether outputs are compared, rather than the network called alone.
        under: in which `model` computes before what it is to compute afterwards; by default it is what it computes.

    Raises:
        ModulePathError: outputs differ by more than rounding, or the network can no longer be called.
    """
    with under or nullcontext():
        before = _outputs(model, inputs)
    with all_or_nothing(model):
        yield
        try:
            after = _outputs(model, inputs)
        except FAILURES as error:
            raise ModulePathError(
                f"expected the network to take {what}, found that it cannot: {first_line(error)}{advice}"
            ) from None
        if compare:
            _compare(before, after, what, advice)


def _outputs(model: nn.Module, inputs: Any) -> list[Tensor]:
    with same_attributes(model), all_switched_on(model), without_side_effects(model, inputs):
        return [tensor.clone() for tensor in tensors_in(call(model, inputs)) if tensor.is_floating_point()]


def _compare(before: list[Tensor], after: list[Tensor], what: str, advice: str) -> None:
    if [tensor.shape for tensor in before] != [tensor.shape for tensor in after]:
        raise ModulePathError(f"expected the network to return the same shapes after {what}, found others{advice}")
    for old, new in zip(before, after, strict=True):
        finite = old[old.isfinite()]
        size = float(finite.abs().max()) if len(finite) else 0.0
        change = float((new - old)[old.isfinite()].abs().max()) if len(finite) else 0.0
        if not change <= ROUNDING.get(old.dtype, 1e-4) * max(size, 1e-6) or not torch.equal(old.isnan(), new.isnan()):
            raise ModulePathError(
                f"expected the same outputs after {what}, found that they differ by {change:.2g} where the largest "
                f"was {size:.2g}{advice}"
            )
