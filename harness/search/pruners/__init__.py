"""Who decides that a configuration is not worth more training."""

from harness.search.pruners._base import AbstractPruner, Race, Rung
from harness.search.pruners.hyperband import Hyperband
from harness.search.pruners.median import Median
from harness.search.pruners.percentile import Percentile
from harness.search.pruners.successive_halving import SuccessiveHalving
from harness.search.pruners.wilcoxon import Wilcoxon

__all__ = [
    "AbstractPruner",
    "Hyperband",
    "Median",
    "Percentile",
    "Race",
    "Rung",
    "SuccessiveHalving",
    "Wilcoxon",
]
