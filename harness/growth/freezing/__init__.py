"""Freeze policies: what stays fixed after a growth."""

from harness.growth.freezing._base import AbstractFreezePolicy, Candidate, FrozenNorm
from harness.growth.freezing.all_but_last import AllButLast
from harness.growth.freezing.by_name import ByName
from harness.growth.freezing.discriminative_rates import DiscriminativeRates
from harness.growth.freezing.gradual_thaw import GradualThaw
from harness.growth.freezing.no_freezing import NoFreezing
from harness.growth.freezing.old_parameters import OldParameters
from harness.growth.freezing.old_rate import OldRate
from harness.growth.freezing.up_to_tap import UpToTap
from harness.growth.freezing.warm_up_then_thaw import WarmUpThenThaw

__all__ = [
    "AbstractFreezePolicy",
    "AllButLast",
    "ByName",
    "Candidate",
    "DiscriminativeRates",
    "FrozenNorm",
    "GradualThaw",
    "NoFreezing",
    "OldParameters",
    "OldRate",
    "UpToTap",
    "WarmUpThenThaw",
]

Nothing = NoFreezing  # its name in study files written before version 0.2, which may import `*`
__all__ += ["Nothing"]
