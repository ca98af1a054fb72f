"""Freezing a network: bit-for-bit unchanged means four things at once.

A frozen parameter asks for no gradient, holds none (a stale or zero gradient would still move it, by momentum or
weight decay), its modules stay in eval mode through every `.train()` (or batch-norm statistics would drift), and its
optimizer state stands still, which follows from the second.
"""

from torch import nn

from harness.growth.freezing import AbstractFreezePolicy, Candidate
from harness.growth.identities import Identities

__all__ = ["candidates", "freeze", "set_train_mode"]


def candidates(model: nn.Module, identities: Identities) -> tuple[Candidate, ...]:
    """Return all that may be frozen, in the order of the network's modules."""
    ids = {id(slot.tensor): (name, slot.birth) for name, slot in identities.items()}
    tensors = [*model.named_parameters(), *model.named_buffers()]
    return tuple(Candidate(ids[id(tensor)][0], name, ids[id(tensor)][1]) for name, tensor in tensors)


def freeze(
    model: nn.Module, identities: Identities, policy: AbstractFreezePolicy, *, growth: int, age: int = 0
) -> frozenset[str]:
    """Apply `policy`: parameters that are frozen lose their gradient, all others are trained if they were born so.

    Returns:
        The ids of what is frozen now.
    """
    frozen = policy.frozen(candidates(model, identities), growth=growth, age=age)
    for name, parameter in identities.parameters().items():
        parameter.requires_grad_(identities[name].trainable and name not in frozen)
        if not parameter.requires_grad:
            parameter.grad = None
    return frozen


def set_train_mode(model: nn.Module, identities: Identities, frozen: frozenset[str]) -> None:
    """Put `model` into train mode, but every module that holds frozen tensors and no others into eval mode."""
    by_module: dict[int, set[bool]] = {}
    for name, slot in identities.items():
        by_module.setdefault(id(slot.module), set()).add(name in frozen)
    model.train()
    for module in model.modules():
        held = set().union(*(by_module.get(id(part), set()) for part in module.modules()))
        if held == {True}:
            module.eval()
