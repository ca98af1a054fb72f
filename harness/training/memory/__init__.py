"""Memories: which examples stay when new classes arrive, and how batches draw from them."""

from harness.training.memory._base import AbstractByClass, AbstractMemory, Candidates
from harness.training.memory.all_examples import AllExamples
from harness.training.memory.herding import Herding
from harness.training.memory.largest_loss import LargestLoss
from harness.training.memory.random_examples import RandomExamples
from harness.training.memory.reservoir import Reservoir

__all__ = [
    "AbstractByClass",
    "AbstractMemory",
    "AllExamples",
    "Candidates",
    "Herding",
    "LargestLoss",
    "RandomExamples",
    "Reservoir",
]
