"""Answering with the class whose remembered examples are nearest on average."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from harness.core.label_map import LabelMap
from harness.losses import Batch

__all__ = ["NearestMean"]

NOWHERE = -100.0  # the answer for classes without a mean; distances are at most 4


@dataclass(frozen=True)
class NearestMean:
    """Answers with the class whose mean is nearest, as iCaRL does (arXiv 1611.07725, algorithm 1).

    Features have length 1, and so have the means of them.

    Attributes:
        tap: the path of the module whose outputs are the features.
        classes: `[L]` the classes that have a mean.
        means: `[L, F]`.
    """

    tap: str
    classes: Tensor
    means: Tensor

    @classmethod
    def of(cls, tap: str, features: Tensor, labels: Tensor) -> "NearestMean":
        """Return the means of the classes of `labels` `[M]`, of the `features` `[M, F]` of their examples."""
        classes, unit = labels.unique(), functional.normalize(features.flatten(1).float(), dim=1)
        means = [unit[labels == label].mean(dim=0) for label in classes.tolist()]
        return cls(tap, classes, functional.normalize(torch.stack(means), dim=1))

    def answered(self, batch: Batch) -> Batch:
        """Return `batch` with minus the squared distances as logits of the heads that classify labels.

        A column of several classes has the nearest one's.
        """
        unit = functional.normalize(batch.features[self.tap].flatten(1).float(), dim=1)
        closeness, label_map = 2 * unit @ self.means.T - 2, batch.specs.label_map
        answers = {name: torch.full_like(batch.outputs[name].float(), NOWHERE) for name in label_map.heads}
        for place, label in enumerate(self.classes.tolist()):
            name, column = _column(label_map, label)
            answers[name][:, column] = torch.maximum(answers[name][:, column], closeness[:, place])
        return replace(batch, outputs={**batch.outputs, **answers})


def _column(label_map: LabelMap, label: int) -> tuple[str, int]:
    """Return the head of a class that can be seen, and the column of the head's logits."""
    index, within = int(label_map.head[label]), int(label_map.within[label])
    chosen = label_map.chosen[index]
    return label_map.heads[index], within if chosen is None else int(chosen[within])
