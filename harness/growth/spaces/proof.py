"""The proof that a network computes what it computed before, in eval mode and in train mode."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from harness.core.errors import ModulePathError, SpecError
from harness.growth.rollback import all_or_nothing
from harness.growth.spaces.switched_on import all_switched_on
from harness.growth.tracing import FAILURES, first_line
from harness.models.attributes import same_attributes
from harness.models.call import call, tensors_in
from harness.models.eval_mode import without_side_effects
from harness.models.train_view import has_train_view, train_view

__all__ = ["TrainModeError", "function_kept", "kept_in_training"]

# The largest difference that is taken for rounding, in units of the largest output.
ROUNDING = {torch.float64: 1e-9, torch.float32: 1e-4, torch.float16: 5e-2, torch.bfloat16: 5e-2}
LARGEST = 1e15  # of outputs that show anything: beside larger ones all else is lost in rounding

UNLIKE: tuple[type[Exception], ...] = (ModulePathError, *FAILURES)

_Seen = tuple[list[Tensor], bool]  # outputs in train mode, and whether random choices leave them as they are


class TrainModeError(ModulePathError):
    """A network computes what it did in eval mode, and something else in train mode."""


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
        TrainModeError: they do in train mode alone.
        SpecError: no output for the batch is a number that shows anything.
    """
    with under or nullcontext():
        before, trained = _outputs(model, inputs), _seen_in_training(model, inputs)
    _check_numbers(before)
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
        _check_training(model, inputs, trained, what, compare=compare)


@contextmanager
def kept_in_training(model: nn.Module, inputs: Any, what: str) -> Iterator[None]:
    """As `function_kept`, in train mode alone."""
    trained = _seen_in_training(model, inputs)
    with all_or_nothing(model):
        yield
        _check_training(model, inputs, trained, what)


def _seen_in_training(model: nn.Module, inputs: Any) -> _Seen | None:
    """Return what `model` computes in train mode; None if it is what it computes in eval mode, or cannot be seen."""
    if not has_train_view(model):
        return None
    try:
        seen, again = (_outputs(model, inputs, seed) for seed in (0, 1))
    except FAILURES:
        return None  # such as a network that needs targets then
    same = len(seen) == len(again) and all(map(torch.equal, seen, again))
    return seen, same


def _check_training(model: nn.Module, inputs: Any, before: _Seen | None, what: str, *, compare: bool = True) -> None:
    if before is None:
        return
    try:
        after = _outputs(model, inputs, 0)
        if compare and before[1]:
            _compare(before[0], after, what, "")
    except UNLIKE as error:
        why = first_line(error).rpartition("found that ")[2]
        raise TrainModeError(
            f"expected the network to take {what} in train mode, found that it does not, though in eval mode it does: "
            f"{why}; see what it computes only if self.training"
        ) from None


def _outputs(model: nn.Module, inputs: Any, train: int | None = None) -> list[Tensor]:
    """Return what `model` computes in eval mode, or in train mode with the seed `train`."""
    with train_view(train), same_attributes(model), all_switched_on(model), without_side_effects(model, inputs):
        return [tensor.clone() for tensor in tensors_in(call(model, inputs)) if tensor.is_floating_point()]


def _check_numbers(outputs: list[Tensor]) -> None:
    if outputs and not any(_shows(tensor).any() for tensor in outputs):
        raise SpecError(
            f"expected a probe for which the network computes numbers, found outputs that are all NaN, infinite or "
            f"above {LARGEST:g}, beside which no difference is seen; give inputs without missing values, scaled as in "
            "training"
        )


def _shows(tensor: Tensor) -> Tensor:
    return tensor.isfinite() & (tensor.abs() < LARGEST)


def _compare(before: list[Tensor], after: list[Tensor], what: str, advice: str) -> None:
    if [tensor.shape for tensor in before] != [tensor.shape for tensor in after]:
        raise ModulePathError(f"expected the network to return the same shapes after {what}, found others{advice}")
    for old, new in zip(before, after, strict=True):
        shows = _shows(old)
        size = float(old[shows].abs().max()) if shows.any() else 0.0
        change = float((new - old)[shows].abs().max()) if shows.any() else 0.0
        if not change <= ROUNDING.get(old.dtype, 1e-4) * max(size, 1e-6) or not torch.equal(old.isnan(), new.isnan()):
            raise ModulePathError(
                f"expected the same outputs after {what}, found that they differ by {change:.2g} where the largest "
                f"was {size:.2g}{advice}"
            )
