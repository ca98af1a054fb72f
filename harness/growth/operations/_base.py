"""What an operation is."""

from abc import abstractmethod

import torch
from torch import Tensor

from harness.core.spec import LeafSpec
from harness.growth.record import Growth
from harness.models import GrowableModel

__all__ = ["AbstractOperation"]


class AbstractOperation(LeafSpec):
    """A change to a network. It knows no optimizer and no data."""

    @abstractmethod
    def apply(self, model: GrowableModel, *, example: Tensor, generator: torch.Generator) -> Growth:
        """Change `model` in place and say what was done.

        What is new takes the model's device and type. All values come from `generator`; torch's global generator is
        where it was afterwards. An operation that raises leaves the model as it was.

        Args:
            model: the network.
            example: inputs `[B, ...]` that it can be called with.
            generator: a CPU generator.
        """
