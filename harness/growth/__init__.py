"""Growing a network that is being trained: operations, triggers, freezing, optimizer surgery, lineage.

The families `operations`, `triggers`, `freezing`, `layers` and `units` list their leaves themselves.
"""

from harness.growth.freezing import AbstractFreezePolicy, Nothing, OldParameters
from harness.growth.grow import Grown, grow
from harness.growth.identities import Identities
from harness.growth.lineage import Change, GrowthEvent
from harness.growth.operations import (
    AbstractOperation,
    AttachHead,
    InsertLayer,
    ReplaceHead,
    SplitClass,
    SwitchLayer,
    ToggleHead,
    TransferReport,
    Unchanged,
    WidenHead,
    WidenLayer,
    transfer,
)
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
    "Identities",
    "InsertLayer",
    "Nothing",
    "OldParameters",
    "Probe",
    "Promise",
    "ReplaceHead",
    "SplitClass",
    "SwitchLayer",
    "ToggleHead",
    "TransferReport",
    "Unchanged",
    "WidenHead",
    "WidenLayer",
    "grow",
    "transfer",
]
