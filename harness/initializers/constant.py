"""The same value everywhere."""

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from harness.initializers._base import AbstractInitializer, LayerContext, blank

__all__ = ["Constant"]


class Constant(AbstractInitializer):
    """All values are `value`. Use it for biases and scales: units with equal weights stay equal."""

    kind: Literal["constant"] = "constant"
    reads_examples: ClassVar[bool] = False
    value: Annotated[float, Field(allow_inf_nan=False)]

    def values(self, shape: tuple[int, ...], context: LayerContext, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Return float32 values of `shape`."""
        return blank(shape).fill_(self.value)
