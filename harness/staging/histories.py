"""Where stages lie in a store, and a run's whole history, put together from its stages."""

from pathlib import Path

from harness.core.history import History
from harness.staging.ledger import StageAddress, StudyRecord

__all__ = ["FILES", "run_history", "stage_folder", "store_folder"]

FILES = ("state.safetensors", "history.safetensors", "ending.safetensors")


def store_folder(home: Path, study: StudyRecord) -> Path:
    """Return the folder of a study's stages."""
    return Path(study.store) if study.store else home / "store"


def stage_folder(store: Path, address: StageAddress) -> Path:
    """Return the folder of a stage in the store at `store`."""
    return store / address.key[:2] / address.key / f"{address.step:08d}"


def run_history(store: Path, stages: tuple[StageAddress, ...], *, test: bool = True) -> History:
    """Return the history of a run from step 0 to its end, from the store at `store`.

    Without `test` it lacks what another run, which opened test data, measured on them in a stage that both share.
    """
    whole = History()
    for address in stages:
        folder = stage_folder(store, address)
        for name in FILES[1:]:
            whole = whole.then(History.read(folder / name))
    return whole if test else whole.without("test/")
