"""What one output predicts for some examples, and what is true of them; metrics are computed from nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["UNSEEN", "PredictedKind", "Predictions"]

PredictedKind = Literal["classes", "binary", "values"]
UNSEEN = -1  # the truth of an example whose class has no column yet


@dataclass(frozen=True, eq=False)
class Predictions:
    """The predictions of one output for N examples.

    Attributes:
        kind: `classes` of which one is true, `binary` columns of which each is true or not, or `values`.
        outputs: `[N, C]` logits, of a class or a yes each; or `[N, D]` numbers in the target's own unit, float64.
        truth: `[N]` int64, the column of the true class, or `UNSEEN`; `[N, C]` bool; or `[N, D]` float64.
    """

    kind: PredictedKind
    outputs: Tensor
    truth: Tensor

    def __len__(self) -> int:
        return len(self.outputs)

    @classmethod
    def joined(cls, parts: Sequence["Predictions"]) -> "Predictions":
        """Return the predictions of several parts of a split, in order."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            parts[0].kind, torch.cat([part.outputs for part in parts]), torch.cat([part.truth for part in parts])
        )

    @property
    def answers(self) -> Tensor:
        """`[N]` int64, the most probable class; or `[N, C]` bool, what is more probable than not."""
        return self.outputs.argmax(dim=1) if self.kind == "classes" else self.outputs > 0

    @property
    def probabilities(self) -> Tensor:
        """`[N, C]` float64: of each class, or of a yes in each column."""
        logits = self.outputs.double()
        return logits.softmax(dim=1) if self.kind == "classes" else logits.sigmoid()

    @property
    def is_true(self) -> Tensor:
        """`[N, C]` bool: whether the class of a column is the true one, or its answer is yes."""
        if self.kind != "classes":
            return self.truth
        return self.truth[:, None] == torch.arange(self.outputs.shape[1], device=self.truth.device)

    @property
    def is_answered(self) -> Tensor:
        """`[N, C]` bool: whether the class of a column is the answer, or the answer in it is yes."""
        if self.kind != "classes":
            return self.answers
        return self.answers[:, None] == torch.arange(self.outputs.shape[1], device=self.truth.device)

    @property
    def surprise(self) -> Tensor:
        """`[N]` or `[N, C]` float64: -ln p, p being the probability of what is true."""
        logits = self.outputs.double()
        if self.kind == "classes":
            return -logits.log_softmax(dim=1).gather(1, self.truth[:, None]).squeeze(1)
        return functional.softplus(torch.where(self.truth, -logits, logits))
