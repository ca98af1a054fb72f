"""The losses of several networks at once."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from harness.core.errors import ContractError
from harness.losses import AbstractLoss, AbstractWeight, Batch, total
from harness.training.combined_loss import CombinedLoss, LossCombination, Term
from harness.training.packing.batching import at_once
from harness.training.packing.layers import Features, apart, stacked

if TYPE_CHECKING:
    from harness.training.loop import StageLoop

__all__ = ["PackedBatch", "PackedLosses"]


class _Untouchable(Mapping[str, Tensor]):
    """Parameters that a loss may not read: those that the packed network learns lie elsewhere."""

    def __getitem__(self, name: str) -> Tensor:
        raise ContractError(f"the parameter {name!r} is read by a loss")

    def __iter__(self) -> Iterator[str]:
        raise ContractError("parameters are read by a loss")

    def __len__(self) -> int:
        return 0


@dataclass(frozen=True)
class PackedBatch:
    """A batch of each of K networks, and what they made of it; all tensors are `[K, B, ...]`.

    Attributes:
        outputs: of the networks, by name.
        inputs, labels, targets: as those of a `Batch`.
        features: at the taps that losses read, by tap.
        teacher: the outputs of the networks' teachers, by name; None if they have none.
        teacher_features: those of the teachers, by tap.
    """

    outputs: Mapping[str, Features]
    inputs: Tensor
    labels: Tensor
    targets: Mapping[str, Tensor] = field(default_factory=dict)
    features: Mapping[str, Tensor] = field(default_factory=dict)
    teacher: Mapping[str, Tensor] | None = None
    teacher_features: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def read(self) -> tuple[Mapping[str, Tensor], ...]:
        """All but the outputs, by name."""
        given = {"inputs": self.inputs, "labels": self.labels}
        return given, self.targets, self.features, self.teacher or {}, self.teacher_features


_Terms = Callable[[], Sequence[Mapping[str, Term]]]  # of each network, by component; asked for where weights are new


class PackedLosses:
    """Combines the losses of K batches; every scalar is a tensor `[K]`.

    Args:
        loops: whose losses they are; their settings agree in all but weights.
        together: whether components are computed for all batches at once.
    """

    def __init__(self, loops: Sequence["StageLoop"], *, together: bool) -> None:
        self._loops = loops
        self._together = together
        self._combination = LossCombination(loops[0].config.losses)
        self._each = [LossCombination(loop.config.losses) for loop in loops]
        self._are_fixed = all(map(_has_fixed_weights, loops))
        self._fixed: dict[str, Tensor | float] | None = None
        self._names: Collection[str] = ()
        self._specs = replace(loops[0].specs, parameters=_Untouchable())

    def __call__(self, batch: PackedBatch) -> CombinedLoss:
        """Return the components of batches, and their weighted sums.

        Raises:
            ContractError: components come or go; whose they are is said where each run makes the step alone.
        """
        compute = self._at_once if self._together else self._one_by_one
        components, terms = compute(batch)
        self._names = self._names or components.keys()
        _check_names(components, self._names)
        if self._fixed is None or not self._are_fixed:
            own = terms()
            self._fixed = {name: self._weights(name, [found[name] for found in own]) for name in components}
        whole, weighted = total(components, self._fixed)
        return CombinedLoss(components, weighted, whole)

    def _weights(self, name: str, terms: Sequence[Term]) -> Tensor | float:
        """Return the weight `[K]` of a component in each network; 1 if it is 1 in all."""
        factors = [
            # Its own term, since settings of losses that are computed at once differ in their weights.
            combination.factor(name, combination.terms.get(term.name, term), loop.state.step, loop.state.loss_weights)
            for term, loop, combination in zip(terms, self._loops, self._each, strict=True)
        ]
        return 1.0 if all(factor == 1 for factor in factors) else torch.tensor(factors)

    def _at_once(self, batch: PackedBatch) -> tuple[dict[str, Tensor], _Terms]:
        found: list[Mapping[str, Term]] = []

        def components(outputs: Mapping[str, Tensor], *read: Mapping[str, Tensor]) -> dict[str, Tensor]:
            own = self._batch(outputs, *read, taught=batch.teacher is not None)
            values, terms = self._combination.components(own, self._loops[0].state.step)
            found.append(terms)
            return values

        tensors = {name: stacked(values) for name, values in batch.outputs.items()}
        values = at_once(components, len(self._loops), tensors, *batch.read)
        return values, lambda: [_own(found[0], loop.config.losses) for loop in self._loops]

    def _one_by_one(self, batch: PackedBatch) -> tuple[dict[str, Tensor], _Terms]:
        outputs = {name: apart(values) for name, values in batch.outputs.items()}
        every, found = [], []
        for row, (loop, combination) in enumerate(zip(self._loops, self._each, strict=True)):
            read = [{name: values[row] for name, values in tensors.items()} for tensors in batch.read]
            made = {name: values[row] for name, values in outputs.items()}
            own = self._batch(made, *read, taught=batch.teacher is not None)
            values, terms = combination.components(own, loop.state.step)
            every.append(values)
            found.append(terms)
        for values in every:
            _check_names(values, every[0])
        return {name: torch.stack([values[name] for values in every]) for name in every[0]}, lambda: found

    def _batch(
        self,
        outputs: Mapping[str, Tensor],
        given: Mapping[str, Tensor],
        targets: Mapping[str, Tensor],
        features: Mapping[str, Tensor],
        teacher: Mapping[str, Tensor],
        teacher_features: Mapping[str, Tensor],
        *,
        taught: bool,
    ) -> Batch:
        """Return the batch of one network."""
        named = {"targets": targets, "features": features, "teacher_features": teacher_features}
        return Batch(outputs, **given, specs=self._specs, teacher=teacher if taught else None, **named)  # type: ignore[arg-type]


def _own(terms: Mapping[str, Term], losses: Mapping[str, AbstractLoss]) -> dict[str, Term]:
    """Return terms with the losses of another run, whose weights differ."""
    return {name: replace(term, loss=losses.get(term.name, term.loss)) for name, term in terms.items()}


def _check_names(components: Collection[str], expected: Collection[str]) -> None:
    if set(components) != set(expected):
        raise ContractError("expected the same loss components at every step of every run")


def _has_fixed_weights(loop: "StageLoop") -> bool:
    weights = [*(loss.weight for loss in loop.config.losses.values()), *loop.state.loss_weights.values()]
    return not any(isinstance(weight, AbstractWeight) for weight in weights)
