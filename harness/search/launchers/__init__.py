"""Launchers start workers. The one for Ray is in `on_ray`, which is loaded only when it is asked for."""

from harness.search.launchers._base import AbstractLauncher, AbstractWorker
from harness.search.launchers.processes import Processes

__all__ = ["AbstractLauncher", "AbstractWorker", "Processes"]
