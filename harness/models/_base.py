"""What a model spec is: data from which a network can be built anywhere."""

from abc import abstractmethod

from torch import nn

from harness.core.spec import LeafSpec

__all__ = ["AbstractModel"]


class AbstractModel(LeafSpec):
    """A network to be built.

    Its modules' paths are its taps: give them names that a reader of a study understands.
    """

    @abstractmethod
    def build(self, outputs: int) -> nn.Module:
        """Return the network with `outputs` outputs, on the CPU.

        Initial values may be drawn from torch's global generator, which the caller has seeded.
        """
