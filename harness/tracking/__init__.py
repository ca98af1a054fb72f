"""Tracking: committed history, projected into MLflow.

The ledger and the store are the truth; what a tracker shows is a projection that can be rebuilt from them.

```
the process that trains      live feed -> files in the home
a process beside it          ledger, store and live files -> projector -> tracker -> MLflow
```

Four rooms, each importing only those below it:

```
delivery            brings to a tracker what is committed and what is live
mlflow, memory      the trackers, which do not know each other
live                files with what runs measure while they train
content             what is shown of a study and of a run, alike in every tracker
```
"""

from harness.tracking._base import AbstractTracker

__all__ = ["AbstractTracker"]
