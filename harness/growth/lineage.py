"""Lineage: the growths so far, as specs, from which the shape of a grown network is rebuilt."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import torch
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat, field_validator
from torch import nn

from harness.core.errors import SpecError
from harness.core.spec import Spec
from harness.growth.freezing import AbstractFreezePolicy
from harness.growth.identities import Identities
from harness.growth.operations import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Columns, Growth
from harness.losses import AbstractWeight, Weight
from harness.models import GrowableModel
from harness.models import teacher as teachers

__all__ = ["Change", "Effect", "GrowthEvent", "operate_on", "replay"]


class Change(Spec):
    """What happens at a growth, without when it happens.

    Attributes:
        operation: what changes.
        freeze: what stays fixed afterwards.
        reveals: classes that can be seen from now on. Those without a column yet are assigned, in order, to the columns
            that the operation adds.
        keep_teacher: whether the network before the growth is kept as `model.teacher`, for losses to learn from.
        loss_weight: the weight of the loss components that the growth adds; a ramp begins at the growth.
        lr_factor: learning rate of the new parameters, in units of the old ones'.
        warm_up: the number of steps in which the new parameters' learning rate rises to its value.
        weight_decay: of the new parameters; by default that of the old ones.
    """

    operation: AbstractOperation
    freeze: AbstractFreezePolicy
    reveals: tuple[NonNegativeInt, ...] = ()
    keep_teacher: bool = False
    loss_weight: Weight = 1.0
    lr_factor: PositiveFloat = 1.0
    warm_up: NonNegativeInt = 0
    weight_decay: NonNegativeFloat | None = None

    @field_validator("loss_weight")
    @classmethod
    def _not_learned(cls, weight: Weight) -> Weight:
        if isinstance(weight, AbstractWeight) and weight.is_learned:
            raise ValueError("expected a number or a ramp, found a weight that is learned; give it to the loss")
        return weight

    @property
    def is_arrival(self) -> bool:
        """Whether it brings classes or outputs."""
        return bool(self.reveals or self.operation.new_outputs())

    def weights(self, outputs: Iterable[str], step: int) -> dict[str, Weight]:
        """Return the loss weights of the `outputs` that this change added after `step` updates."""
        weight = self.loss_weight
        return dict.fromkeys(outputs, weight.since(step) if isinstance(weight, AbstractWeight) else weight)

    def done(self, growth: Growth) -> "Change":
        """Return the change with what its operation has chosen, as `growth` says; repeated, it chooses the same."""
        return self if growth.chosen is None else self.model_copy(update={"operation": growth.chosen})

    def group(self) -> dict[str, float]:
        """Return the hyperparameters in which the new parameters' optimizer group differs."""
        decay = {} if self.weight_decay is None else {"weight_decay": self.weight_decay}
        return {"warm_up": self.warm_up, **decay}


@dataclass(frozen=True)
class Effect:
    """The part of a growth's record that label maps follow; it holds no parameters.

    Attributes:
        outputs: names of outputs that the model returns from then on.
        columns: as in `Growth`.
    """

    outputs: tuple[str, ...] = ()
    columns: Mapping[str, Columns] = field(default_factory=dict)

    @classmethod
    def of(cls, growth: Growth) -> "Effect":
        """Return the effect of `growth`."""
        return cls(growth.outputs, growth.columns)


class GrowthEvent(Spec):
    """A growth that happened, after `step` optimizer updates."""

    step: NonNegativeInt
    change: Change


def operate_on(
    model: nn.Module,
    operation: AbstractOperation,
    *,
    keep_teacher: bool = False,
    probe: Probe | None,
    generator: torch.Generator,
) -> Growth:
    """Apply `operation` to `model`; with `keep_teacher` the model keeps a copy from before as its teacher."""
    teacher = teachers.keep_teacher(model) if keep_teacher else None
    growth = operation.apply(model, probe=probe, generator=generator)
    if not isinstance(growth, Growth):
        raise SpecError(f"expected apply() of {operation.kind!r} to return a Growth, found {type(growth).__name__}")
    if teacher is not None:
        teacher.join(model)
    return growth


def replay(
    model: GrowableModel, lineage: tuple[GrowthEvent, ...], *, probe: Callable[[Change], Probe]
) -> tuple[Identities, dict[str, Weight], tuple[Effect, ...]]:
    """Give a freshly built `model` the shape that `lineage` led to; its values must be loaded afterwards.

    `probe` returns the examples of each operation; operations that compute values from examples need them here, too.

    Returns:
        The ids of all tensors, the weights of the loss components that growths added, and the effects of the growths.
    """
    identities = Identities(model)
    loss_weights: dict[str, Weight] = {}
    effects = []
    for birth, event in enumerate(lineage, start=1):
        change = event.change
        growth = operate_on(
            model,
            change.operation,
            keep_teacher=change.keep_teacher,
            probe=probe(change),
            generator=torch.Generator(),
        )
        identities.register(model, birth=birth)
        loss_weights |= change.weights(growth.outputs, event.step)
        effects.append(Effect.of(growth))
    return identities, loss_weights, tuple(effects)
