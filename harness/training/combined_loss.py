"""All losses of a batch, combined into the one number that is minimized."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from harness.core.errors import ContractError, SpecError
from harness.losses import AbstractLoss, AbstractWeight, Batch, ModelLoss, Weight, total

__all__ = ["CombinedLoss", "LossCombination", "Term", "combine_losses"]

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


@dataclass(frozen=True)
class Term:
    """A loss with what it says of itself."""

    name: str
    loss: AbstractLoss
    output: str | None
    learned: AbstractWeight | None


class LossCombination:
    """Combines losses; what does not depend on the batch is looked up once.

    Args:
        losses: by name.

    Attributes:
        terms: the losses with what they say of themselves, by name.
    """

    def __init__(self, losses: Mapping[str, AbstractLoss]) -> None:
        self._terms = [Term(name, loss, loss.speaks_of(name), loss.learned_weight) for name, loss in losses.items()]
        self.terms = {term.name: term for term in self._terms}

    def combine(
        self, batch: Batch, *, step: int, growth_weights: Mapping[str, Weight], log_variances: Mapping[str, Tensor]
    ) -> CombinedLoss:
        """Return all components of `batch`, and their weighted sum; see `combine_losses`."""
        plain, terms = self.components(batch, step)
        components: dict[str, Tensor] = {}
        weights: dict[str, float | Tensor] = {}
        for term, names in itertools.groupby(terms, terms.__getitem__):
            for name in names:
                components[name] = plain[name]
                weights[name] = self.factor(name, term, step, growth_weights)
                if term.learned:
                    weights[name] *= term.learned.precision(log_variances[term.name])
            if term.learned:
                components[f"{term.name}_log_variance"] = log_variances[term.name] / 2
        whole, weighted = total(components, weights)
        return CombinedLoss(components, weighted, whole)

    def components(self, batch: Batch, step: int) -> tuple[dict[str, Tensor], dict[str, Term]]:
        """Return all components of `batch`, without those of learned weights, and the term that each belongs to."""
        components: dict[str, Tensor] = {}
        terms: dict[str, Term] = {}
        for term in [*self._terms, *self._own(batch)]:
            values = term.loss.components(term.name, batch)
            if not isinstance(values, Mapping):
                raise ContractError(
                    f"expected components() of {term.loss.kind!r} to return a mapping from names to scalars, such as "
                    f"{{{term.name!r}: loss}}, found {type(values).__name__}"
                )
            if both := {*components, "total"} & values.keys():
                raise SpecError(f"expected components of different names, found {min(both)!r} twice; rename a loss")
            for component, value in values.items():
                _check_scalar(component, value, step)
                components[component], terms[component] = value, term
        if not components:
            raise SpecError(
                f"expected a loss of an output that exists, found none of {', '.join(batch.outputs)}; see "
                "training.losses"
            )
        return components, terms

    def counts(self, batch: Batch) -> dict[str, Tensor]:
        """Return how much `batch` counts in its components, as the losses say."""
        return {name: count for term in self._terms for name, count in term.loss.counts(term.name, batch).items()}

    def factor(self, component: str, term: Term, step: int, growth_weights: Mapping[str, Weight]) -> float:
        """Return the weight of a component at `step`, without what is learned of it."""
        born = growth_weights.get(component, growth_weights.get(term.output or component, 1.0))
        return _factor(born, step) * _factor(term.loss.weight, step)

    def _own(self, batch: Batch) -> list[Term]:
        """Return a loss for each scalar of the model that no loss is about."""
        own = [name for name in batch.outputs if name.endswith(OWN_ENDINGS)]
        named = {term.output for term in self._terms} if own else set()
        return [Term(name, ModelLoss(), name, None) for name in own if name not in named]


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
    return LossCombination(losses).combine(batch, step=step, growth_weights=growth_weights, log_variances=log_variances)


def _factor(weight: Weight, step: int) -> float:
    """Return the value of `weight` at `step`."""
    if type(weight) is float:  # first, since it costs a tenth of asking whether it is a spec
        return weight
    return weight.at(step) if isinstance(weight, AbstractWeight) else weight


def _check_scalar(name: str, value: object, step: int) -> None:
    if not isinstance(value, Tensor) or value.dim():
        what = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise ContractError(
            f"expected a scalar tensor as loss component {name!r} at step {step + 1}, found {what}; take its mean"
        )
