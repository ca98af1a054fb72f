"""The state of a parameter that became a region of a bigger one, or of which a part stays.

What an entry of the state is shows in a trial with made-up weights. If it starts as the weights themselves, such as
slow weights or the point that an average begins at, new entries are the new weights, and old ones move along where the
growth changed the weights below them. If it starts at one value everywhere, such as a moment or a step size, new
entries have that value. If its shape does not depend on the parameter's, as that of a step count, it stays. Anything
else cannot be carried over.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from harness.core.errors import SurgeryError
from harness.growth.record import Carried
from harness.growth.surgery.trial import Trial, TrialFailedError, start
from harness.growth.surgery.wrapped import states

__all__ = ["carry"]

STEPS = 3  # some make a part of their state at a later step than the first
ADVICE = "keep old tensors as they are (rows='own', AttachHead, InsertLayer), or use AdamW"


def carry(optimizer: Optimizer, item: Carried) -> None:
    """Let `item.new` take the place of `item.old` in its group, with its state.

    Raises:
        SurgeryError: something in the state does not follow from the old one.
    """
    home = None
    for group in optimizer.param_groups:
        if any(parameter is item.old for parameter in group["params"]):
            home = group
            group["params"] = [item.new if parameter is item.old else parameter for parameter in group["params"]]
    remembered = [state.pop(item.old, {}) for state in states(optimizer)]
    if home is None or not any(remembered):
        return
    fresh = item.moments == "reset"
    carried = _begun(optimizer, home, item) if fresh else _Carrying(optimizer, home, item).states(remembered)
    for state, entries in zip(states(optimizer), carried, strict=True):
        if entries:
            state[item.new] = entries
    if fresh and not any(carried):
        start(optimizer, [item.new])


def _begun(optimizer: Optimizer, group: Mapping[str, Any], item: Carried) -> list[dict[str, Any]]:
    """Return what each layer remembers of a parameter when it is added, before any step."""
    trial = Trial(optimizer, (group, [item.new]))
    return [dict(entries) for entries in trial.memory()]


@dataclass(frozen=True)
class _Sample:
    """What trials hold in one entry: after steps without a gradient, and after one with a gradient of 1 and of -1."""

    still: Any
    up: Any = None
    down: Any = None

    def __getitem__(self, key: Any) -> "_Sample":
        return _Sample(*(_item(value, key) for value in (self.still, self.up, self.down)))

    @property
    def is_size(self) -> bool:
        """Whether a gradient and its opposite leave the same: a size, and not a direction."""
        return isinstance(self.up, Tensor) and isinstance(self.down, Tensor) and torch.equal(self.up, self.down)


def _item(value: Any, key: Any) -> Any:
    if isinstance(value, Mapping):
        return value.get(key)
    if isinstance(value, list | tuple | deque):
        return value[key] if key < len(value) else None
    return None


class _Carrying:
    """Carries the state of one parameter over."""

    def __init__(self, optimizer: Optimizer, group: Mapping[str, Any], item: Carried) -> None:
        self._optimizer = optimizer
        self._group = group
        self._item = item
        with torch.no_grad():
            self._moved = item.new[item.region] - item.old[item.source]
        # Values that nothing else has, so that whatever equals them is a copy of the weights.
        drawn = torch.rand(item.new.shape, generator=torch.Generator().manual_seed(0)) + 0.5
        self._weights: tuple[Tensor, ...] = (torch.empty_like(item.new).copy_(drawn),)

    def states(self, remembered: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return, for each layer, what it remembers of the new parameter."""
        item = self._item
        if item.new.shape == item.old.shape and not item.source and not self._moved.any():
            return remembered
        samples = self._samples(remembered)
        return [
            {key: self._carried(key, value, sample[key]) for key, value in entries.items()}
            for entries, sample in zip(remembered, samples, strict=True)
        ]

    def _samples(self, remembered: list[dict[str, Any]]) -> list[_Sample]:
        try:
            still = self._unmoved(remembered)
            if self._item.moments != "mean":
                return [_Sample(value) for value in still]
            moved = (self._after(sign, 1).memory() for sign in (1.0, -1.0))
            return [_Sample(*values) for values in zip(still, *moved, strict=True)]
        except TrialFailedError as error:
            raise self._refusal(f"it cannot update one of shape {list(self._item.new.shape)}: {error}") from None

    def _unmoved(self, remembered: list[dict[str, Any]]) -> list[Mapping[str, Any]]:
        """Return what a trial remembers after as few steps as make all entries that there are; some need none."""
        for steps in range(STEPS + 1):
            trial = self._after(0.0, steps)
            memory = trial.memory()
            if all(entries.keys() <= made.keys() for entries, made in zip(remembered, memory, strict=True)):
                break
        self._weights = (self._weights[0], trial.parameters[0].detach())
        return memory

    def _after(self, gradient: float, steps: int) -> Trial:
        trial = Trial(self._optimizer, (self._group, [self._weights[0]]))
        trial.begin()
        for _ in range(steps):
            trial.step(gradient)
        return trial

    def _carried(self, key: str, value: Any, sample: _Sample) -> Any:
        if isinstance(value, Tensor):
            return self._tensor(key, value, sample)
        if isinstance(value, dict):
            return {name: self._carried(f"{key}.{name}", part, sample[name]) for name, part in value.items()}
        if isinstance(value, list | tuple | deque):
            parts = [self._carried(f"{key}.{index}", part, sample[index]) for index, part in enumerate(value)]
            return deque(parts, value.maxlen) if isinstance(value, deque) else type(value)(parts)
        if value is None or isinstance(value, bool | int | float | str):
            return value
        raise self._refusal(f"its {key!r} is a {type(value).__name__}")

    def _tensor(self, key: str, value: Tensor, sample: _Sample) -> Tensor:
        old, new, fresh = self._item.old, self._item.new, sample.still
        if isinstance(fresh, Tensor) and fresh.shape == new.shape and value.shape == old.shape:
            return self._extended(key, value, sample)
        if value.shape == old.shape or (isinstance(fresh, Tensor) and fresh.shape != value.shape):
            shape = list(fresh.shape) if isinstance(fresh, Tensor) else "none"
            raise self._refusal(f"its {key!r} is {list(value.shape)}, and {shape} for the new shape {list(new.shape)}")
        return value

    def _extended(self, key: str, value: Tensor, sample: _Sample) -> Tensor:
        item, fresh = self._item, sample.still
        value = value[item.source]
        if any(_are_close(fresh, weights) for weights in self._weights):
            grown = item.new.detach().to(value.dtype, copy=True)
            grown[item.region] = value + self._moved.to(value.dtype) if self._moved.any() else value
            return grown
        first = fresh.flatten()[0]
        if not bool((fresh == first).all()):
            raise self._refusal(f"its {key!r} starts with values that are neither the weights nor all the same")
        grown = torch.full_like(item.new, first.item(), dtype=value.dtype).detach()
        if item.moments == "mean" and sample.is_size:
            # The mean of each column over the old rows; entries of new columns have no such mean.
            rows = tuple(slice(None) if dim == item.units else _flat(part) for dim, part in enumerate(item.region))
            grown[rows] = value.mean(dim=item.units, keepdim=True).expand_as(grown[rows])
        grown[item.region] = value
        return grown

    def _refusal(self, why: str) -> SurgeryError:
        name, shape = type(self._optimizer).__name__, list(self._item.old.shape)
        return SurgeryError(
            f"expected that {name} can go on with a parameter of shape {shape} whose shape changes, found that {why}; "
            f"{ADVICE}"
        )


def _are_close(values: Tensor, weights: Tensor) -> bool:
    first = torch.isclose(values.flatten()[0].to(weights), weights.flatten()[0])  # tells most that differ at once
    return bool(first) and torch.allclose(values.to(weights), weights)


def _flat(part: slice | Tensor) -> slice | Tensor:
    return part if isinstance(part, slice) else part.flatten()
