"""Freezing a network: to keep a parameter unchanged to the bit takes four things at once.

It requires no gradient. It holds none: momentum or weight decay would move it even with a stale or zero gradient. Its
modules stay in eval mode through every `.train()`, or batch-norm statistics would drift. And its optimizer state does
not change, which follows from the second.
"""

from collections.abc import Iterable, Iterator, Mapping

from torch import Tensor, nn

from harness.core.errors import SpecError
from harness.growth.freezing import AbstractFreezePolicy, Candidate, FrozenNorm
from harness.growth.frozen_modes import has_statistics
from harness.growth.identities import Identities, Slot
from harness.models import GrowableModel

__all__ = [
    "candidates",
    "check_added",
    "check_by_hand",
    "factors_by_parameter",
    "freeze",
    "lr_factors",
    "named_parameters",
    "sizes_of",
    "unchanging",
]

FEW = 3


def candidates(model: nn.Module, identities: Identities) -> tuple[Candidate, ...]:
    """Return all that may be frozen, in the order of the network's modules, parameters before buffers in each."""
    ids = {id(slot.tensor): (name, slot.birth) for name, slot in identities.items()}
    return tuple(Candidate(ids[id(tensor)][0], name, ids[id(tensor)][1]) for name, tensor in _named_tensors(model))


def freeze(
    model: nn.Module,
    identities: Identities,
    policy: AbstractFreezePolicy,
    *,
    growth: int,
    age: int = 0,
    spared: frozenset[str] = frozenset(),
) -> frozenset[str]:
    """Apply `policy`, but for the ids `spared`.

    Frozen parameters lose their gradient; all others are trained if they were trainable at birth.

    Returns:
        The ids of what is frozen now.
    """
    frozen = policy.frozen(candidates(model, identities), growth=growth, age=age) - spared
    for name, parameter in identities.parameters().items():
        parameter.requires_grad_(identities[name].trainable and name not in frozen)
        if not parameter.requires_grad:
            parameter.grad = None
    return frozen


def sizes_of(identities: Identities) -> dict[str, int]:
    """Return the number of entries of each tensor, by id."""
    return {name: tensor.numel() for name, tensor in identities.tensors().items()}


def check_added(
    model: nn.Module,
    identities: Identities,
    frozen: frozenset[str],
    sizes: Mapping[str, int],
    policy: AbstractFreezePolicy,
) -> None:
    """Check that nothing in `frozen` holds entries that a growth has just added; `sizes` are as they were before it.

    Raises:
        SpecError: a tensor is new, or holds old entries and new ones, which cannot be trained without the old ones.
    """
    if new := frozen - sizes.keys():
        raise SpecError(
            f"expected {policy.kind!r} to freeze what was there before this growth alone, found "
            f"{_listed(model, identities, new)}, which is new; leave out what has the birth of the growth"
        )
    mixed = {name for name in frozen & sizes.keys() if identities[name].tensor.numel() > sizes[name]}
    if mixed:
        raise SpecError(
            f"expected {policy.kind!r} to freeze no tensor that this growth adds entries to, found "
            f"{_listed(model, identities, mixed)}: an optimizer cannot train the new entries alone; use a policy that "
            "trains it, or an operation that gives new entries tensors of their own, such as WidenHead(rows='own')"
        )


def check_by_hand(model: nn.Module, identities: Identities, both: frozenset[str], policy: AbstractFreezePolicy) -> None:
    """Check that nothing was thawed by hand that `policy` freezes.

    Raises:
        SpecError: something was, and is in `both`.
    """
    if both:
        raise SpecError(
            f"expected to leave trained what was thawed by hand, found that {policy.kind!r} freezes "
            f"{_listed(model, identities, both)}; freeze it by hand before growing, or use a policy that trains it"
        )


def _listed(model: nn.Module, identities: Identities, ids: Iterable[str]) -> str:
    """Return the current names of a few of `ids`."""
    wanted = set(ids)
    names = [repr(candidate.name) for candidate in candidates(model, identities) if candidate.id in wanted]
    return ", ".join(names[:FEW]) + (f" and {len(names) - FEW} more" if len(names) > FEW else "")


def lr_factors(
    model: nn.Module, identities: Identities, policy: AbstractFreezePolicy, *, growth: int, age: int = 0
) -> dict[str, float]:
    """Return, by id, the factor of each trained parameter's learning rate.

    Raises:
        SpecError: `policy` does not freeze a parameter and gives it a factor of 0, or a negative one.
    """
    factors = policy.lr_factors(candidates(model, identities), growth=growth, age=age)
    trained = [name for name, parameter in identities.parameters().items() if parameter.requires_grad]
    for name in trained:
        if not factors.get(name, 1.0) > 0:
            raise SpecError(f"expected {policy.kind!r} to freeze {name!r}, found the factor {factors[name]} alone")
    return {name: factors.get(name, 1.0) for name in trained}


def factors_by_parameter(
    model: nn.Module, identities: Identities, policy: AbstractFreezePolicy, *, growth: int, age: int = 0
) -> dict[nn.Parameter, float]:
    """Return what `lr_factors` returns, by the parameters themselves."""
    parameters = identities.parameters()
    factors = lr_factors(model, identities, policy, growth=growth, age=age)
    return {parameters[name]: factor for name, factor in factors.items()}


def unchanging(identities: Identities, frozen: frozenset[str], *, frozen_norm: FrozenNorm = "eval") -> frozenset[str]:
    """Return those of `frozen` that training may not change: running statistics only if norms are in eval mode."""
    if frozen_norm == "eval":
        return frozen
    return frozenset(name for name in frozen if not _is_statistic(identities[name]))


def named_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """Return the parameters by their current names, without the prefix `backbone.`."""
    return {name: tensor for name, tensor in _named_tensors(model) if isinstance(tensor, nn.Parameter)}


def _named_tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    # The learned weights of losses belong to no part of the network.
    seen = {id(tensor) for tensor in model.log_variances.values()} if isinstance(model, GrowableModel) else set()
    for path, module in model.named_modules():
        for attribute, tensor in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)):
            if id(tensor) not in seen:
                seen.add(id(tensor))
                yield _without_prefix(model, f"{path}.{attribute}" if path else attribute), tensor


def _without_prefix(model: nn.Module, name: str) -> str:
    return name.removeprefix("backbone.") if isinstance(model, GrowableModel) else name


def _is_statistic(slot: Slot) -> bool:
    return has_statistics(slot.module) and not isinstance(slot.tensor, nn.Parameter)
