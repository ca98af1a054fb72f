"""One growth, from a whole training state to a whole training state."""

from dataclasses import dataclass

from torch import Tensor
from torch.optim import Optimizer

from harness.core.seeding import generator
from harness.growth.freeze import freeze
from harness.growth.identities import Identities
from harness.growth.lineage import Change
from harness.growth.record import Growth
from harness.growth.surgery import check_coverage, operate
from harness.models import GrowableModel

__all__ = ["Grown", "grow"]


@dataclass(frozen=True)
class Grown:
    """What a growth did, and what is frozen from now on (ids)."""

    growth: Growth
    frozen: frozenset[str]


def grow(
    model: GrowableModel,
    identities: Identities,
    optimizer: Optimizer,
    change: Change,
    *,
    example: Tensor,
    seed: int,
    number: int,
    step: int,
) -> Grown:
    """Apply `change` to `model` and let identities, optimizer and freezing follow, in this order.

    To be called between two steps, outside autocast and never during an evaluation. New values come from the stream
    (seed, "growth", number), so they depend on nothing that was drawn before.

    Args:
        model: the network.
        identities: the ids of its tensors.
        optimizer: holds its trainable parameters.
        change: what happens.
        example: inputs `[B, ...]` that the network can be called with.
        seed: the run's seed.
        number: 1 for the first growth of the run.
        step: optimizer updates so far, the birth of the new optimizer group.

    Raises:
        SurgeryError: a trainable parameter would be in no optimizer group, or in two.
    """
    optimizer.zero_grad(set_to_none=True)
    growth = change.operation.apply(model, example=example, generator=generator(seed, "growth", number))
    identities.register(model, birth=number)
    operate(optimizer, growth, step=step, lr_factor=change.lr_factor)
    frozen = freeze(model, identities, change.freeze, growth=number)
    check_coverage(model, optimizer)
    return Grown(growth, frozen)
