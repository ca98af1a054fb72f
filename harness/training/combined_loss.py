"""All losses of a batch, combined into the one number that is minimized."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from harness.core.errors import ContractError, SpecError
from harness.losses import AbstractLoss, AbstractWeight, Batch, ModelLoss, Weight, total

__all__ = ["CombinedLoss", "combine_losses"]

OWN_ENDINGS = ("_loss", "_reg")


@dataclass(frozen=True)
class CombinedLoss:
    """The loss of one batch.

    Attributes:
        components: by name, unweighted.
        weighted: the components times their weights, by name.
        total: the sum of the weighted components, which is minimized.
    """

    components: dict[str, Tensor]
    weighted: dict[str, Tensor]
    total: Tensor


def combine_losses(
    losses: Mapping[str, AbstractLoss],
    batch: Batch,
    *,
    step: int,
    growth_weights: Mapping[str, Weight],
    log_variances: Mapping[str, Tensor],
) -> CombinedLoss:
    """Return all components of `batch`, and their weighted sum.

    A scalar that the model returns under a name that ends in `_loss` or `_reg` is a component as well, unless a loss
    among `losses` is about it.

    Args:
        losses: by name.
        batch: what they are computed from.
        step: optimizer updates so far.
        growth_weights: by the name of an output or component, the weight that its growth gave it.
        log_variances: by the name of the loss, for weights that are learned.

    Raises:
        SpecError: two losses have a component of the same name, or there is none at all.
        ContractError: a component is not a scalar.
    """
    components: dict[str, Tensor] = {}
    weights: dict[str, float | Tensor] = {}
    for name, loss in {**losses, **_own(losses, batch)}.items():
        values = loss.components(name, batch)
        if both := {*components, "total"} & values.keys():
            raise SpecError(f"expected components of different names, found {min(both)!r} twice; rename a loss")
        components |= values
        for component, value in values.items():
            _check_scalar(component, value, step)
            born = growth_weights.get(component, growth_weights.get(loss.speaks_of(name) or component, 1.0))
            weights[component] = _factor(born, step) * _factor(loss.weight, step)
        if values and (learned := loss.learned_weight):
            variance = log_variances[name]
            weights |= {component: weights[component] * learned.precision(variance) for component in values}
            components[f"{name}_log_variance"] = variance / 2
    if not components:
        raise SpecError(
            f"expected a loss of an output that exists, found none of {', '.join(batch.outputs)}; see training.losses"
        )
    whole, weighted = total(components, weights)
    return CombinedLoss(components, weighted, whole)


def _factor(weight: Weight, step: int) -> float:
    """Return the value of `weight` at `step`."""
    return weight.at(step) if isinstance(weight, AbstractWeight) else weight


def _check_scalar(name: str, value: object, step: int) -> None:
    if not isinstance(value, Tensor) or value.dim():
        what = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise ContractError(
            f"expected a scalar tensor as loss component {name!r} at step {step + 1}, found {what}; take its mean"
        )


def _own(losses: Mapping[str, AbstractLoss], batch: Batch) -> dict[str, AbstractLoss]:
    """Return a loss for each scalar of the model that none of `losses` is about."""
    own = [name for name in batch.outputs if name.endswith(OWN_ENDINGS)]
    named = {loss.speaks_of(name) for name, loss in losses.items()} if own else set()
    return {name: ModelLoss() for name in own if name not in named}
