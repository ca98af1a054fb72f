"""Values for new hidden units."""

from harness.growth.units._base import AbstractUnits, NewUnits, Surroundings
from harness.growth.units.copied import CopiedUnits
from harness.growth.units.gradmax import GradMaxUnits
from harness.growth.units.paired import PairedUnits
from harness.growth.units.random import RandomUnits

__all__ = [
    "AbstractUnits",
    "CopiedUnits",
    "GradMaxUnits",
    "NewUnits",
    "PairedUnits",
    "RandomUnits",
    "Surroundings",
]
