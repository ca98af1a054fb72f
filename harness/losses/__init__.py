"""Losses: components by name, whose weighted sum is trained."""

from harness.losses._base import AbstractLoss, total
from harness.losses.cross_entropy import JointCrossEntropy

__all__ = ["AbstractLoss", "JointCrossEntropy", "total"]
