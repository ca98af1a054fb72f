"""Growing a network that is being trained: operations, triggers, freezing, optimizer surgery, lineage."""

from harness.growth.freezing import AbstractFreezePolicy, Nothing, OldParameters
from harness.growth.grow import Grown, grow
from harness.growth.lineage import Change, GrowthEvent
from harness.growth.operations import AbstractOperation, AttachHead
from harness.growth.plan import GrowthRule
from harness.growth.probe import Probe
from harness.growth.record import Carried, Growth, Promise
from harness.growth.triggers import AbstractTrigger, AtStep

__all__ = [
    "AbstractFreezePolicy",
    "AbstractOperation",
    "AbstractTrigger",
    "AtStep",
    "AttachHead",
    "Carried",
    "Change",
    "Grown",
    "Growth",
    "GrowthEvent",
    "GrowthRule",
    "Nothing",
    "OldParameters",
    "Probe",
    "Promise",
    "grow",
]
