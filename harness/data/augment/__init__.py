"""Random changes of training inputs, each a function of (seed, step)."""

from harness.data.augment._base import AbstractAugmentation, augmented
from harness.data.augment.gaussian_noise import GaussianNoise
from harness.data.augment.horizontal_flip import HorizontalFlip
from harness.data.augment.random_shift import RandomShift

__all__ = ["AbstractAugmentation", "GaussianNoise", "HorizontalFlip", "RandomShift", "augmented"]
