"""Tracking: committed history, projected into MLflow.

The ledger and the store are the truth; what a tracker shows is a projection that can be rebuilt from them.

```
who trains      live feed -> files in the home
who delivers    ledger, store and live files -> projector -> tracker -> MLflow        (a process of its own)
```

Only `harness.tracking.mlflow` and the modules below it import MLflow.
"""

from harness.tracking._base import AbstractTracker

__all__ = ["AbstractTracker"]
