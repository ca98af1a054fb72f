"""Where stages lie in a store, and a run's whole history, put together from its stages."""

import zipfile
import zlib
from pathlib import Path

from harness.core.answers import Answers
from harness.core.errors import SnapshotError
from harness.core.history import History
from harness.staging.ledger import StageAddress

__all__ = [
    "ANSWERS_FILE",
    "FINAL_EVALUATION_FILE",
    "HISTORY_FILE",
    "METRICS_FILES",
    "SNAPSHOT_FILE",
    "STAGE_FILES",
    "read_answers",
    "run_history",
    "stage_folder",
]

SNAPSHOT_FILE, HISTORY_FILE, FINAL_EVALUATION_FILE = "state.safetensors", "history.safetensors", "ending.safetensors"
ANSWERS_FILE = "answers.npz"  # only where the final evaluation saw test data
METRICS_FILES = (HISTORY_FILE, FINAL_EVALUATION_FILE)
STAGE_FILES = (SNAPSHOT_FILE, *METRICS_FILES)


def stage_folder(store: Path, address: StageAddress) -> Path:
    """Return the folder of a stage in the store at `store`."""
    return store / address.key[:2] / address.key / f"{address.step:08d}"


def read_answers(store: Path, address: StageAddress) -> Answers | None:
    """Return the answers of a stage's final evaluation on test data, without checking their digest; None without any.

    Raises:
        SnapshotError: they cannot be read.
    """
    path = stage_folder(store, address) / ANSWERS_FILE
    if not path.is_file():
        return None
    try:
        return Answers.from_bytes(path.read_bytes())
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        found = " ".join(str(error).split())
        raise SnapshotError(f"{path} is not what was written ({found}); run harness cache verify") from None


def run_history(store: Path, stages: tuple[StageAddress, ...], *, test: bool = True) -> History:
    """Return the history of a run from step 0 to its end, from the store at `store`.

    Without `test` it has no series of test data, which another run may have recorded in a stage that both share.
    """
    history = History()
    for address in stages:
        folder = stage_folder(store, address)
        for name in METRICS_FILES:
            history = history.then(History.read(folder / name))
    return history if test else history.without("test/")
