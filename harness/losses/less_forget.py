"""Features keep their directions."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from harness.core.errors import SpecError
from harness.losses._base import AbstractLoss, Batch

__all__ = ["LessForget"]


class LessForget(AbstractLoss):
    """1 - the cosine of the angle between the features at `tap` and the teacher's, averaged over the batch.

    The less-forget constraint of LUCIR (Hou et al. 2019, equation 6), for heads that answer by cosines. There is no
    component while the model has no teacher.

    Attributes:
        adaptive: whether it counts `sqrt(earlier classes / new classes)` times, as in the authors' code.
    """

    kind: Literal["less_forget"] = "less_forget"
    tap: str
    adaptive: bool = True

    @property
    def taps(self) -> tuple[str, ...]:
        """Return the tap."""
        return (self.tap,)

    @property
    def needs_teacher(self) -> bool:
        """Return True."""
        return True

    def components(self, name: str, batch: Batch) -> dict[str, Tensor]:
        """Return one component, or none. Raises `SpecError` for features that grew."""
        if self.tap not in batch.teacher_features:
            return {}
        features, old = (held[self.tap].flatten(1) for held in (batch.features, batch.teacher_features))
        if features.shape != old.shape:
            raise SpecError(
                f"expected features of the teacher's shape {tuple(old.shape)} at tap {self.tap!r}, found "
                f"{tuple(features.shape)}; choose a tap that did not grow"
            )
        distance = 1 - functional.cosine_similarity(features, old, dim=1).mean()
        return {name: self._factor(batch) * distance if self.adaptive else distance}

    def _factor(self, batch: Batch) -> Tensor:
        arrival, arrivals = batch.specs.label_map.arrival, batch.specs.label_map.arrivals
        newest = arrivals[-1] if arrivals else 0
        earlier, new = ((arrival >= 0) & (arrival < newest)).sum(), (arrival == newest).sum()
        return torch.sqrt(earlier / new.clamp(min=1))
