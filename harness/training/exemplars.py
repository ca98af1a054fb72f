"""What a memory of examples holds: which ones, and what the network answered to them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from harness.growth.record import Columns

__all__ = ["Exemplars", "held_among"]

NONE = torch.zeros(0, dtype=torch.int64)


@dataclass(frozen=True)
class Exemplars:
    """The training examples that are remembered, all on the CPU.

    Attributes:
        indices: `[M]` into the training split, in the order in which the memory keeps them.
        outputs: `[M, C]` by name, what the network answered to each example when it was stored, if losses ask for it;
            NaN in columns that are newer than the answer.
        seen: how many examples the memory has been shown so far.
    """

    indices: Tensor = NONE
    outputs: Mapping[str, Tensor] = field(default_factory=dict)
    seen: int = 0

    def grown(self, columns: Mapping[str, Columns]) -> "Exemplars":
        """Return the same after a growth, given for each column of the `columns` of an output the old one.

        To a new column nothing was answered, and nothing to the children of one that was split.
        """
        moved = {name: _moved(self.outputs[name], own) for name, own in columns.items() if name in self.outputs}
        return replace(self, outputs={**self.outputs, **moved})


def held_among(memory: Exemplars | None, examples: Tensor) -> Tensor:
    """Return `[N]` bool, on the device of `examples` `[N]`: whether each training example is held."""
    held = torch.zeros(len(examples), dtype=torch.bool, device=examples.device)
    if memory is not None:
        held[memory.indices.to(held.device)] = True
    return held


def _moved(answers: Tensor, columns: Columns) -> Tensor:
    grown, children = answers.new_full((len(answers), len(columns)), torch.nan), Counter(columns)
    for new, old in enumerate(columns):
        if old is not None and children[old] == 1:
            grown[:, new] = answers[:, old]
    return grown
