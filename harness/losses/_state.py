"""What losses that keep a state are shown: updates of the parameters, and what was learned before something arrives."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Learned", "LossState", "Move", "SeenExample"]

# By what they are, then by the stable id of their parameter, tensors of its shape; their order is not saved. After a
# growth, entries of new units are zero. What is called `anchor` are values of parameters, which move along where a
# growth moves them.
LossState = Mapping[str, Mapping[str, Tensor]]


@dataclass(frozen=True)
class Move:
    """One update, by the stable ids of the parameters that are not frozen.

    Attributes:
        before: the values before it.
        after: those after it.
        gradients: of all losses that keep no state, neither scaled nor clipped.
    """

    before: Mapping[str, Tensor]
    after: Mapping[str, Tensor]
    gradients: Mapping[str, Tensor]


@dataclass(frozen=True)
class SeenExample:
    """What the network makes of one training example, in eval mode.

    Attributes:
        loss: the weighted sum of the losses that compare outputs with targets.
        predictions: what they compare, each `[N, D]`, by the name of the loss.
        logits: those of the predictions that are logits of classes.
        parameters: all that may ever be trained, by stable id.
    """

    loss: Tensor
    predictions: Mapping[str, Tensor]
    logits: Mapping[str, Tensor]
    parameters: Mapping[str, Tensor]

    def gradient(self, value: Tensor) -> dict[str, Tensor]:
        """Return the gradient of the scalar `value` by stable id; any number of them may be asked for."""
        leaves = tuple(self.parameters.values())
        found = torch.autograd.grad(value, leaves, retain_graph=True, allow_unused=True, materialize_grads=True)
        return dict(zip(self.parameters, found, strict=True))


@dataclass(frozen=True)
class Learned:
    """What a network has learned by the time that something new arrives.

    Attributes:
        values: of all parameters that may ever be trained, by stable id.
        examples: returns up to so many training examples of what arrived last, drawn at random.
    """

    values: Mapping[str, Tensor]
    examples: Callable[[int], Iterator[SeenExample]]

    def mean(self, count: int, add: Callable[[SeenExample, Mapping[str, Tensor]], None]) -> dict[str, Tensor]:
        """Return the mean over `count` examples of what `add` adds to sums by stable id, which begin with zeros."""
        sums, seen = {key: torch.zeros_like(value) for key, value in self.values.items()}, 0
        for example in self.examples(count):
            add(example, sums)
            seen += 1
        return {key: total / max(seen, 1) for key, total in sums.items()}
