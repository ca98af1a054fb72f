"""Elastic weight consolidation: what the Fisher information calls important stays where it was."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt
from torch import Tensor

from harness.core.errors import SpecError
from harness.losses._base import AbstractLoss
from harness.losses._penalty import AbstractPenalty
from harness.losses._state import Learned, LossState, SeenExample

__all__ = ["ElasticWeightConsolidation"]


class ElasticWeightConsolidation(AbstractPenalty):
    """`1/2 sum F * (value - anchor)^2`, F the diagonal of the Fisher information (EWC, arXiv 1612.00796).

    Before each arrival F is computed on examples of what arrived last, and added to the earlier one; the weight is the
    papers' lambda. The sum of one penalty for each arrival is, but for a constant, the one penalty around the mean of
    their anchors, weighted by their F. So that one is kept, however many arrivals there are.

    Attributes:
        fisher: `exact`: the square of the gradient of the log-likelihood, in the mean over the classes that the network
            expects; `predicted`: that of the class which it thinks most likely; both of losses that classify.
            `empirical`: that of the loss of the true target.
        examples: how many F is a mean over.
        decay: None for EWC. A number for online EWC (arXiv 1805.06370): the earlier F is multiplied by it, and the
            anchors are the latest values.
    """

    kind: Literal["elastic_weight_consolidation"] = "elastic_weight_consolidation"
    fisher: Literal["exact", "predicted", "empirical"] = "exact"
    examples: PositiveInt = 500
    decay: Annotated[float, Field(gt=0, le=1)] | None = None

    factor: ClassVar[float] = 0.5

    @property
    def needs_logits(self) -> bool:
        """Return whether the Fisher information is that of classes which the network thinks likely."""
        return self.fisher != "empirical"

    @property
    def before_growth(self) -> AbstractLoss | None:
        """Return None, unless its weight is learned: before the first arrival there is no component and no state."""
        return self if self.learned_weight else None

    def before_arrival(self, state: LossState, learned: Learned) -> LossState:
        """Return the state with F of what was learned. Raises `SpecError` if F needs losses that classify."""
        fisher = learned.mean(self.examples, _FISHER[self.fisher])
        earlier, anchors = state.get("importance", {}), dict(learned.values)
        for key, old in earlier.items():
            new, value = fisher[key], anchors[key]
            fisher[key] = (self.decay or 1.0) * old + new
            if self.decay is None:
                mean = (old * state["anchor"][key] + new * value) / fisher[key]
                anchors[key] = mean.where(fisher[key] > 0, value)
        return {"importance": fisher, "anchor": anchors}


def _empirical(example: SeenExample, sums: Mapping[str, Tensor]) -> None:
    _add_squares(sums, example.gradient(example.loss))


def _predicted(example: SeenExample, sums: Mapping[str, Tensor]) -> None:
    for likelihoods in _log_likelihoods(example):
        _add_squares(sums, example.gradient(likelihoods.max()))


def _exact(example: SeenExample, sums: Mapping[str, Tensor]) -> None:
    for likelihoods in _log_likelihoods(example):
        for expected in likelihoods:
            _add_squares(sums, example.gradient(expected), factor=expected.exp().item())


def _log_likelihoods(example: SeenExample) -> list[Tensor]:
    """Return those `[C]` of all classes, of each loss that classifies."""
    if not example.logits:
        raise SpecError(
            "expected a loss that classifies, whose exact Fisher information is known, found none; set "
            "fisher='empirical' of the loss"
        )
    return [logits.log_softmax(dim=1).flatten() for logits in example.logits.values()]


_FISHER = {"exact": _exact, "predicted": _predicted, "empirical": _empirical}


def _add_squares(sums: Mapping[str, Tensor], gradients: Mapping[str, Tensor], *, factor: float = 1.0) -> None:
    for key, gradient in gradients.items():
        sums[key].addcmul_(gradient, gradient, value=factor)
