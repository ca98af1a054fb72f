"""Tracking: committed history, projected into MLflow.

The ledger and the store are the truth; what a tracker shows is a projection that can be rebuilt from them.
Only `harness.tracking.mlflow` and the client below it import MLflow.
"""

from harness.tracking._base import AbstractTracker

__all__ = ["AbstractTracker"]
