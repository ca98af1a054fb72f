"""Growing a network that is being trained: operations, triggers, freezing, optimizer surgery, lineage.

The families `operations`, `triggers`, `freezing`, `layers`, `units` and `scores` list their leaves themselves. All
operations can be imported from here as well.
"""

from harness.growth import operations
from harness.growth.checkpoint import load_grown, save_grown
from harness.growth.consolidate import consolidate
from harness.growth.freezing import AbstractFreezePolicy, NoFreezing, OldParameters
from harness.growth.grow import Grown, grow
from harness.growth.growth_state import GrowthState, growth_state
from harness.growth.identities import Identities
from harness.growth.lineage import Change, GrowthEvent
from harness.growth.operations import *  # noqa: F403
from harness.growth.probe import Probe
from harness.growth.record import Carried, Growth, Promise
from harness.growth.refreeze import refreeze
from harness.growth.rules import GrowthRule
from harness.growth.triggers import AbstractTrigger, AtStep

__all__ = [
    "AbstractFreezePolicy",
    "AbstractTrigger",
    "AtStep",
    "Carried",
    "Change",
    "Grown",
    "Growth",
    "GrowthEvent",
    "GrowthRule",
    "GrowthState",
    "Identities",
    "NoFreezing",
    "OldParameters",
    "Probe",
    "Promise",
    "consolidate",
    "grow",
    "growth_state",
    "load_grown",
    "refreeze",
    "save_grown",
]
__all__ += operations.__all__

Nothing = NoFreezing  # its name in study files written before version 0.2, which may import `*`
__all__ += ["Nothing"]
