"""How configurations, arms and seeds are laid out."""

from harness.search.designs._base import AbstractDesign, Part
from harness.search.designs.paired import Paired
from harness.search.designs.tuned import Tuned

__all__ = ["AbstractDesign", "Paired", "Part", "Tuned"]
