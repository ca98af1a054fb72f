"""What is wrong with a probe that a network cannot be called with."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from harness.core.errors import HarnessError, SpecError
from harness.growth.probe import Probe
from harness.models.attributes import same_attributes
from harness.models.call import FAILURES, call, tensors_in
from harness.models.eval_mode import without_side_effects

__all__ = ["in_words_of_probe"]


@contextmanager
def in_words_of_probe(model: nn.Module, probe: Probe | None) -> Iterator[None]:
    """Say of an error of torch in the block that `probe` is not one of `model`, if that is why; the model is as before.

    Raises:
        SpecError: the network cannot be called with it.
    """
    try:
        yield
    except HarnessError:
        raise
    except FAILURES:
        if probe is not None and (why := _why_not_called(model, probe)):
            shapes = ", ".join(str(list(tensor.shape)) for tensor in tensors_in(probe.inputs))
            raise SpecError(
                f"expected a probe that {type(model).__name__} can be called with, found inputs of "
                f"{shapes or 'no shape'}: {why}; give a batch as in training: probe=Probe(batch)"
            ) from None
        raise


def _why_not_called(model: nn.Module, probe: Probe) -> str:
    try:
        with same_attributes(model), without_side_effects(model, probe.inputs):
            call(model, probe.inputs)
    except FAILURES as error:
        return str(error).strip().partition("\n")[0] or type(error).__name__
    return ""
