"""Reconstruction: an output whose target is the inputs."""

from collections.abc import Callable
from typing import Literal

from torch import Tensor
from torch.nn import functional

from harness.core.errors import SpecError
from harness.core.inputs import whole
from harness.losses._base import AbstractOutputLoss, Batch

__all__ = ["Reconstruction"]


class Reconstruction(AbstractOutputLoss):
    """The mean over all values of the squared or absolute difference between an output and the inputs.

    With `binary` the output is read as logits, and the inputs, in `[0, 1]`, as probabilities.
    """

    kind: Literal["reconstruction"] = "reconstruction"
    error: Literal["squared", "absolute", "binary"] = "squared"

    def value(self, batch: Batch, output: str) -> Tensor:
        """Return the mean over batch and values."""
        given = whole(batch.inputs)
        if not isinstance(given, Tensor):
            raise SpecError(f"expected inputs that are one tensor to reconstruct, found {', '.join(given)} by name")
        values, inputs = batch.outputs[output].flatten(1), given.flatten(1)
        if values.shape != inputs.shape:
            raise SpecError(
                f"expected {inputs.shape[1]} values of {output!r} an example, as there are inputs, "
                f"found {values.shape[1]}; let the network return as many"
            )
        return MEASURES[self.error](values, inputs.to(values))


MEASURES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "squared": functional.mse_loss,
    "absolute": functional.l1_loss,
    "binary": functional.binary_cross_entropy_with_logits,
}
