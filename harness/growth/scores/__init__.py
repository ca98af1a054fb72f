"""Scores: which units of a layer matter least, and leave first."""

from harness.growth.scores._base import AbstractScore, Seen
from harness.growth.scores.activation import ActivationScore
from harness.growth.scores.magnitude import MagnitudeScore
from harness.growth.scores.random import RandomScore
from harness.growth.scores.taylor import TaylorScore

__all__ = ["AbstractScore", "ActivationScore", "MagnitudeScore", "RandomScore", "Seen", "TaylorScore"]
