"""Freeze policies: what stays fixed after a growth."""

from harness.growth.freezing._base import AbstractFreezePolicy, Candidate
from harness.growth.freezing.nothing import Nothing
from harness.growth.freezing.old_parameters import OldParameters

__all__ = ["AbstractFreezePolicy", "Candidate", "Nothing", "OldParameters"]
