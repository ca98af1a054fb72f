"""Cross-entropy within the head of an example's class, which is taken as known."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat
from torch import Tensor

from harness.losses._base import AbstractLoss, Batch, cross_entropies, mean_over

__all__ = ["SeparateCrossEntropy"]


class SeparateCrossEntropy(AbstractLoss):
    """-log softmax of the true class among the logits of its own head, averaged over that head's examples.

    Heads do not compete: each learns only from its own examples, and their logits cannot be compared. The matching
    metric is `accuracy_within/<head>`.
    """

    kind: Literal["separate_cross_entropy"] = "separate_cross_entropy"
    label_smoothing: Annotated[NonNegativeFloat, Field(lt=1)] = 0.0

    def components(self, name: str, batch: Batch) -> dict[str, Tensor]:  # noqa: ARG002
        """Return one component per head, by the head's name."""
        label_map = batch.specs.label_map
        if not label_map.heads:
            return {}
        owner, within = label_map.head[batch.labels], label_map.within[batch.labels]
        components = {}
        for index, head in enumerate(label_map.heads):
            own = owner == index
            columns = within * own  # a column that exists, for examples that do not count
            losses = cross_entropies(label_map.logits(batch.outputs, index), columns, self.label_smoothing)
            components[head] = mean_over(losses, own)
        return components

    @property
    def classifies(self) -> bool:
        """Return True."""
        return True

    def predictions(self, name: str, batch: Batch) -> Tensor | None:  # noqa: ARG002
        """Return the logits of the head of the example's class, or nothing without any head."""
        label_map = batch.specs.label_map
        return label_map.logits(batch.outputs, int(label_map.head[batch.labels[0]])) if label_map.heads else None

    def counts(self, name: str, batch: Batch) -> dict[str, Tensor]:  # noqa: ARG002
        """Return the number of each head's examples."""
        label_map = batch.specs.label_map
        owner = label_map.head[batch.labels] if label_map.heads else batch.labels
        return {head: (owner == index).sum() for index, head in enumerate(label_map.heads)}
