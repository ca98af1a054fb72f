"""The interface of augmentations, and their application to a batch."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from harness.core.errors import DataError
from harness.core.seeding import generator
from harness.core.spec import LeafSpec
from harness.data._base import Split

__all__ = ["AbstractAugmentation", "augmented", "check_images"]


class AbstractAugmentation(LeafSpec):
    """A random change of inputs that keeps labels and targets valid. It has no state."""

    @abstractmethod
    def apply(self, inputs: Tensor, generator: torch.Generator) -> Tensor:
        """Return changed `inputs` `[B, ...]`, of the same shape, dtype and device; the given ones stay as they are.

        Args:
            inputs: a batch.
            generator: the only source of randomness; a CPU generator for every device, so that draws do not depend on
                the device.

        Raises:
            DataError: inputs of that shape or dtype are not supported.
        """


def augmented(batch: Split, augmentations: Sequence[AbstractAugmentation], *, seed: int, step: int) -> Split:
    """Return `batch` with its inputs changed by each of `augmentations` in turn, as a function of (seed, step).

    Each draws from a stream of its own, so appending another one does not change the draws of the others.
    """
    inputs = batch.inputs
    if augmentations and not isinstance(inputs, Tensor):
        raise DataError(
            f"expected inputs that are one tensor for training.augment, found {', '.join(inputs)} by name; remove it"
        )
    for number, augmentation in enumerate(augmentations):
        inputs = augmentation.apply(inputs, generator(seed, "augment", number, step))
    return replace(batch, inputs=inputs)


def check_images(augmentation: AbstractAugmentation, inputs: Tensor) -> None:
    """Raise `DataError` unless `inputs` are images `[B, C, H, W]`."""
    if inputs.dim() != 4:
        shape = tuple(inputs.shape[1:])
        raise DataError(
            f"expected images (C, H, W) for the augmentation {augmentation.kind!r}, found inputs {shape}; "
            f"remove it from training.augment or load the inputs as images"
        )
