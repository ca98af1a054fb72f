"""A moving average of a network's weights, which grows along with it."""

from dataclasses import replace
from typing import Annotated

import torch
from pydantic import Field, NonNegativeFloat
from torch import Tensor, nn

from harness.core.errors import SurgeryError
from harness.core.spec import Spec
from harness.growth.frozen_modes import has_statistics
from harness.growth.identities import Identities, Slot
from harness.growth.lineage import Change, operate_on
from harness.growth.probe import Probe
from harness.models import GrowableModel
from harness.models.copied import copied
from harness.models.teacher import is_of_teacher

__all__ = ["EMA", "WeightAverage"]


class EMA(Spec):
    """An exponential moving average of the weights: after each update, `average = d * average + (1 - d) * weights`.

    Attributes:
        decay: d, the part of the average that stays; about the last `1 / (1 - decay)` updates count.
        warm_up: whether d is at most `(1 + n) / (10 + n)` after n updates, counted from the start and anew from each
            growth, so that values which were hardly trained are soon forgotten; new parts of a network have many.
    """

    decay: Annotated[NonNegativeFloat, Field(lt=1)] = 0.999
    warm_up: bool = True

    def weight(self, age: int) -> float:
        """Return 1 - d after `age` updates since the start, or since the last growth."""
        return 1.0 - (min(self.decay, (1 + age) / (10 + age)) if self.warm_up else self.decay)


class WeightAverage:
    """The average of a network's weights, as a network of the same shape.

    What is trained is averaged, and so are running statistics. All else is that of the network itself: what is frozen,
    counters and other buffers, and a teacher.

    Args:
        spec: how much each update counts.
        model: the network, whose values the average begins with.
        identities: of its tensors.

    Attributes:
        model: the average, called as the network is.
        identities: of its tensors, under the same ids.
    """

    def __init__(self, spec: EMA, model: GrowableModel, identities: Identities) -> None:
        self._spec = spec
        self.model = copied(model, purpose="average its weights")
        paths = {id(module): path for path, module in model.named_modules()}
        twins = dict(self.model.named_modules())
        self.identities = Identities.of(
            {name: replace(slot, module=twins[paths[id(slot.module)]]) for name, slot in identities.items()}
        )
        self.follow(identities, frozenset())

    def grow(
        self,
        change: Change,
        identities: Identities,
        frozen: frozenset[str],
        *,
        number: int,
        probe: Probe,
        generator: torch.Generator,
    ) -> None:
        """Do to the average what the growth of this number did to the network, whose `identities` are those after it.

        Raises:
            SurgeryError: the average has other tensors than the network.
        """
        operate_on(self.model, change.operation, keep_teacher=change.keep_teacher, probe=probe, generator=generator)
        own = self.identities.copy()
        own.register(self.model, birth=number)
        _check_alike(identities, own)
        self.identities = own
        self.follow(identities, frozen)

    def follow(self, identities: Identities, frozen: frozenset[str]) -> None:
        """Take over what is not averaged from the network, and do so after each update from now on.

        Args:
            identities: of the network.
            frozen: the ids of what is frozen in it.
        """
        self._parameters: tuple[list[Tensor], list[Tensor]] = ([], [])
        self._statistics: list[tuple[Slot, Slot]] = []
        self._others: list[tuple[Slot, Slot]] = []
        for name, slot in identities.items():
            own = self.identities[name]
            if isinstance(slot.tensor, nn.Parameter) and slot.tensor.requires_grad:
                self._parameters[0].append(own.tensor.detach())
                self._parameters[1].append(slot.tensor.detach())
            elif _is_statistic(slot) and name not in frozen:
                self._statistics.append((own, slot))
            else:
                own.tensor.detach().copy_(slot.tensor.detach())
                if not isinstance(slot.tensor, nn.Parameter) and not is_of_teacher(slot.attribute):
                    self._others.append((own, slot))

    def update(self, age: int, skipped: Tensor | None = None) -> None:
        """Let the values that the network has after an update count.

        Args:
            age: updates since the last growth.
            skipped: a scalar, whether there was none; on a GPU nobody reads it.
        """
        if skipped is not None and skipped.device.type != "cuda":
            if bool(skipped):
                return
            skipped = None
        weight = self._spec.weight(age)
        # A module may put another tensor into the place of its buffer.
        own = [*self._parameters[0], *(one.tensor for one, _ in self._statistics)]
        values = [*self._parameters[1], *(other.tensor for _, other in self._statistics)]
        if skipped is None:
            torch._foreach_lerp_(own, values, weight)
        else:
            for average, value in zip(own, values, strict=True):
                average.lerp_(value, ((~skipped) * weight).to(average.dtype))
        for one, other in self._others:
            one.tensor.copy_(other.tensor)


def _check_alike(network: Identities, average: Identities) -> None:
    shapes, own = ({name: tuple(t.shape) for name, t in each.tensors().items()} for each in (network, average))
    if different := sorted(shapes.items() ^ own.items()):
        name = different[0][0]
        raise SurgeryError(
            f"expected the average of the weights to grow as the network did, found {name!r} of the shape "
            f"{shapes.get(name)} in the network and {own.get(name)} in the average; train without training.average"
        )


def _is_statistic(slot: Slot) -> bool:
    """Return whether a buffer is a running statistic of the inputs, and no count."""
    statistic = has_statistics(slot.module) and not isinstance(slot.tensor, nn.Parameter)
    return statistic and slot.tensor.is_floating_point()
