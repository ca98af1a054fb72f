"""Triggers: when a growth happens."""

from harness.growth.triggers._base import NEVER, AbstractTrigger, Progress, observed
from harness.growth.triggers.all_of import AllOf
from harness.growth.triggers.any_of import AnyOf
from harness.growth.triggers.at_epoch import AtEpoch
from harness.growth.triggers.at_most import AtMost
from harness.growth.triggers.at_step import AtStep
from harness.growth.triggers.not_before import NotBefore
from harness.growth.triggers.plateau import Plateau
from harness.growth.triggers.schedule import Schedule
from harness.growth.triggers.signal import Signal
from harness.growth.triggers.threshold import Threshold

__all__ = [
    "NEVER",
    "AbstractTrigger",
    "AllOf",
    "AnyOf",
    "AtEpoch",
    "AtMost",
    "AtStep",
    "NotBefore",
    "Plateau",
    "Progress",
    "Schedule",
    "Signal",
    "Threshold",
    "observed",
]
