"""Elastic weight consolidation: what the Fisher information calls important stays where it was."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt
from torch import Tensor

from harness.core.errors import SpecError
from harness.losses._penalty import AbstractPenalty
from harness.losses._state import Learned, LossState, SeenExample

__all__ = ["ElasticWeightConsolidation"]


class ElasticWeightConsolidation(AbstractPenalty):
    """`1/2 sum F * (value - anchor)^2`, F the diagonal of the Fisher information (EWC, arXiv 1612.00796).

    Before each arrival F is computed on examples of what arrived last; the weight is the papers' lambda.

    Attributes:
        fisher: `exact`: the square of the gradient of the log-likelihood, in the mean over the classes that the network
            expects; of losses that classify. `empirical`: that of the loss of the true target.
        examples: how many F is a mean over.
        decay: None: each arrival adds a penalty of its own. A number: there is one penalty, whose F is `decay` times
            the earlier one and the new one, and which holds the latest values (online EWC, arXiv 1805.06370).
    """

    kind: Literal["elastic_weight_consolidation"] = "elastic_weight_consolidation"
    fisher: Literal["exact", "empirical"] = "exact"
    examples: PositiveInt = 500
    decay: Annotated[float, Field(gt=0, le=1)] | None = None

    factor: ClassVar[float] = 0.5

    def before_arrival(self, state: LossState, learned: Learned) -> LossState:
        """Return the state with F of what was learned. Raises `SpecError` if an exact F needs losses that classify."""
        fisher = learned.mean(self.examples, _exact if self.fisher == "exact" else _empirical)
        if self.decay is None:
            number = 1 + sum(what.startswith("importance") for what in state)
            return {**state, f"importance_{number}": fisher, f"anchor_{number}": learned.values}
        earlier = state.get("importance", {})
        added = {key: self.decay * earlier[key] + new if key in earlier else new for key, new in fisher.items()}
        return {"importance": added, "anchor": learned.values}


def _empirical(example: SeenExample, sums: Mapping[str, Tensor]) -> None:
    _add_squares(sums, example.gradient(example.loss))


def _exact(example: SeenExample, sums: Mapping[str, Tensor]) -> None:
    if not example.logits:
        raise SpecError(
            "expected a loss that classifies, whose exact Fisher information is known, found none; set "
            "fisher='empirical' of the loss"
        )
    for logits in example.logits.values():
        for expected in logits.log_softmax(dim=1).flatten():
            _add_squares(sums, example.gradient(expected), factor=expected.exp().item())


def _add_squares(sums: Mapping[str, Tensor], gradients: Mapping[str, Tensor], *, factor: float = 1.0) -> None:
    for key, gradient in gradients.items():
        sums[key].addcmul_(gradient, gradient, value=factor)
