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
        """Change `model` in place and return a record of the change.

        Old tensors are never changed: where values change, a new tensor replaces the old one. New tensors take device,
        type and `requires_grad` of the layer that they join. All values come from `generator`; torch's global generator
        is left as it was. An operation that is impossible raises before anything is changed.

        Args:
            model: the network, a `GrowableModel` or any other; module paths are as in `harness.models.paths`.
            probe: inputs that the network can be called with; None if the caller has none.
            generator: a CPU generator.

        Raises:
            InputError: the operation is impossible on this network; the message names the module and what was found.
        """

    @abstractmethod
    def promise(self) -> Promise:
        """Return what these settings promise about earlier outputs, and earlier columns of outputs."""

    def new_outputs(self) -> Mapping[str, int]:
        """Return the number of columns of each output that it adds to the network, by name; none by default."""
        return {}

    @property
    def keeps_teacher(self) -> bool:
        """Whether it keeps the network as it was before as `model.teacher`; not by default."""
        return False

    @property
    def reads_loss(self) -> bool:
        """Whether its values follow from the loss that is trained, which the probe then has; not by default."""
        return False

    @property
    def reads_held_out(self) -> bool:
        """Whether its values follow from examples that no step is trained on; not by default."""
        return False

    @property
    def reads_examples(self) -> bool:
        """Whether its values depend on the examples of the probe, not on their shape alone; by default it may."""
        return True
