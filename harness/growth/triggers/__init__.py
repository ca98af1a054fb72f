"""Triggers: when a growth happens."""

from harness.growth.triggers._base import AbstractTrigger, Progress
from harness.growth.triggers.at_step import AtStep

__all__ = ["AbstractTrigger", "AtStep", "Progress"]
