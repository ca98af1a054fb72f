"""Tracking: committed history, projected into MLflow, TensorBoard, Weights & Biases, CSV files, or what users write.

The ledger and the store are the truth; what a tracker shows is a projection that can be rebuilt from them.

```
the process that trains      live feed -> files in the home
a process beside it          ledger, store and live files -> a projector for each tracker -> tracker -> MLflow
```

Five rooms, each importing only those below it:

```
delivery                     brings to trackers what is committed and what is live
mlflow, tensorboard, wandb,  the trackers, which do not know each other
csv_files, memory
live                         files with what runs measure while they train
_folder, _base               the family of trackers, and what those that write files have in common
content                      what is shown of a study and of a run, alike in every tracker
```
"""

from harness.tracking._base import AbstractTracker, Place, UiSettings
from harness.tracking._folder import AbstractFolderTracker
from harness.tracking._study_folder import StudyFolder
from harness.tracking.content.entry import RunEntry, StudyEntry, run_entry, study_entry
from harness.tracking.content.points import Point

__all__ = [
    "AbstractFolderTracker",
    "AbstractTracker",
    "Place",
    "Point",
    "RunEntry",
    "StudyEntry",
    "StudyFolder",
    "UiSettings",
    "run_entry",
    "study_entry",
]
