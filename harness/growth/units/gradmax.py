"""Units from which the loss falls fastest."""

from typing import Literal

import torch
from pydantic import PositiveFloat
from torch import Tensor

from harness.core.errors import SpecError
from harness.growth.record import Promise
from harness.growth.units._base import AbstractUnits, NewUnits, Surroundings, drawn_rows
from harness.initializers import AbstractInitializer, KaimingNormal

__all__ = ["GradMaxUnits"]


class GradMaxUnits(AbstractUnits):
    """GradMax (arXiv 2201.05125): units that change almost no output, with the largest possible gradient.

    Outgoing weights are the first left singular vectors of the gradient of the loss with respect to a linear path past
    the units. Activations are taken to have slope one. The loss is the probe's (`Probe.loss`); in a study, the one that
    is trained, of training examples.

    Attributes:
        scale: norm of a new unit's outgoing weights, in units of the old ones' mean.
        epsilon: size of its incoming weights, in units of `incoming`. It cannot be zero, where a ReLU has no slope; the
            output changes by about as much.
        incoming: fills the incoming weights, before they are multiplied with `epsilon`.
        output: the name of the output that the targets belong to; the first unless given.
    """

    kind: Literal["gradmax"] = "gradmax"
    scale: PositiveFloat = 1.0
    epsilon: PositiveFloat = 1e-7
    incoming: AbstractInitializer = KaimingNormal()
    output: str | None = None

    @property
    def reads_loss(self) -> bool:
        """Whether values follow from the loss of the probe, which they do."""
        return True

    def promise(self) -> Promise:
        """Return that outputs are the same but for rounding if `epsilon` is of that size."""
        return Promise.CLOSE if self.epsilon <= 1e-6 else Promise.NONE

    def units(self, around: Surroundings, added: int, generator: torch.Generator) -> NewUnits:
        """Return the units. Raises `SpecError` for more than there are directions, or a probe without targets."""
        columns = self._directions(around.gradients(self.output), added)
        # One length for all outgoing weights of a unit together, since several layers may read it.
        size = self.scale * self._mean_norm(around.outgoing)
        parts = zip(around.outgoing, columns, strict=True)
        outgoing = tuple(torch.cat([old, size * new], dim=1) for old, new in parts)
        rows = self.epsilon * drawn_rows(around, added, self.incoming, generator)
        return NewUnits(rows, around.no_bias(added), outgoing)

    def _directions(self, gradients: tuple[Tensor, ...], added: int) -> tuple[Tensor, ...]:
        """Return `[out, added, K]` for each layer; the outgoing weights of a unit together have length one."""
        joint = torch.cat([gradient.flatten(0, 1) for gradient in gradients])
        if added > min(joint.shape):
            raise SpecError(
                f"expected no more new units than weights on either side of one, which are {joint.shape[1]} and "
                f"{joint.shape[0]}, found {added}; add fewer"
            )
        vectors = torch.linalg.svd(joint, full_matrices=False).U[:, :added]
        sizes = [gradient.shape[0] * gradient.shape[1] for gradient in gradients]
        parts = zip(vectors.split(sizes), gradients, strict=True)
        return tuple(part.reshape(*like.shape[:2], added).transpose(1, 2) for part, like in parts)

    @staticmethod
    def _mean_norm(outgoing: tuple[Tensor, ...]) -> float:
        """Return the mean length of the outgoing weights of an old unit."""
        joint = torch.cat([weight.transpose(0, 1).flatten(1) for weight in outgoing], dim=1)
        return float(joint.norm(dim=1).mean())
