"""Units that read all that their reader reads: cascades."""

from torch import Tensor, nn

from harness.models.branches import Branches, Joining
from harness.models.head import ACTIVATIONS, Activation

__all__ = ["CascadeUnit", "Cascading"]


class CascadeUnit(nn.Module):
    """One unit.

    Args:
        weight: `[1, F]`.
        bias: `[1]`.
        activation: of the unit.
    """

    def __init__(self, weight: Tensor, bias: Tensor, activation: Activation) -> None:
        super().__init__()
        self.incoming = nn.Linear(weight.shape[1], 1, device="meta")
        self.incoming.weight, self.incoming.bias = nn.Parameter(weight), nn.Parameter(bias)
        self.activation = ACTIVATIONS[activation]()

    def forward(self, given: Tensor) -> Tensor:
        """Map `[..., F]` to `[..., 1]`."""
        answer: Tensor = self.activation(self.incoming(given))
        return answer


class Cascading(Joining):
    """A hook of a layer that puts a unit's answer to what the layer is given behind it; later units read it, too."""

    def __init__(self, branches: Branches, source: str) -> None:
        super().__init__(branches, source, "mean")

    def beside(self, given: Tensor) -> Tensor:
        """Return the answer `[..., 1]` to `given` `[..., F]`."""
        unit = self.branches.get_submodule(self.source.partition(".")[2])
        answer: Tensor = unit(given)
        return answer
