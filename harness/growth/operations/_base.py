"""What an operation is."""

from abc import abstractmethod
from collections.abc import Mapping

import torch
from torch import nn

from harness.core.spec import LeafSpec
from harness.growth.probe import Probe
from harness.growth.record import Growth, Promise

__all__ = ["AbstractOperation"]


class AbstractOperation(LeafSpec):
    """A change to a network. It knows no optimizer and no data."""

    @abstractmethod
    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:
        """Change `model` in place and say what was done.

        Old tensors keep their identity and their values: what changes is a new tensor in the old one's place. What is
        new takes device, type and `requires_grad` of what it joins. All values come from `generator`; torch's global
        generator is where it was afterwards. Whether it can be done is checked before anything is changed.

        Args:
            model: the network, a `GrowableModel` or any other; module paths are as in `harness.models.paths`.
            probe: inputs that it can be called with; None if the caller has none.
            generator: a CPU generator.

        Raises:
            InputError: the operation cannot be done here; the message names the place and what was found.
        """

    @abstractmethod
    def promise(self) -> Promise:
        """Return what these settings promise about outputs, and columns of outputs, that were there before."""

    def new_outputs(self) -> Mapping[str, int]:
        """Return the number of columns of each output that it adds to the network, by name; none by default."""
        return {}

    @property
    def keeps_teacher(self) -> bool:
        """Whether it keeps the network as it was before as `model.teacher`; not by default."""
        return False
