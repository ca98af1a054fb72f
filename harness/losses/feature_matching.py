"""Feature matching: features stay close to those of the teacher."""

from typing import Literal

from torch import Tensor
from torch.nn import functional

from harness.core.errors import SpecError
from harness.losses._base import AbstractLoss, Batch

__all__ = ["FeatureMatching"]


class FeatureMatching(AbstractLoss):
    """The mean squared difference between the features at `tap` and the teacher's (arXiv 1412.6550).

    There is no component while the model has no teacher.
    """

    kind: Literal["feature_matching"] = "feature_matching"
    tap: str

    @property
    def taps(self) -> tuple[str, ...]:
        """Return the tap."""
        return (self.tap,)

    @property
    def needs_teacher(self) -> bool:
        """Return True."""
        return True

    def components(self, name: str, batch: Batch) -> dict[str, Tensor]:
        """Return one component, or none."""
        if self.tap not in batch.teacher_features:
            return {}
        features, old = batch.features[self.tap], batch.teacher_features[self.tap]
        if features.shape != old.shape:
            raise SpecError(
                f"expected features of the teacher's shape {tuple(old.shape)} at tap {self.tap!r}, found "
                f"{tuple(features.shape)}; choose a tap that did not grow"
            )
        return {name: functional.mse_loss(features, old)}
