"""The stage store: finished stages, addressed by what they were made from.

A stage is a folder `<key>/<step>` with three files: `state.safetensors`, `history.safetensors` (everything since the
stage began) and `ending.safetensors` (evaluations made only because training stopped here, which a run that goes on
would not make). It is written beside its place, synced, renamed, and only then committed to the ledger.
"""

import contextlib
import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import SnapshotError
from harness.core.history import History
from harness.staging.histories import FILES, stage_folder
from harness.staging.ledger import Ledger, StageAddress

__all__ = ["Store", "StoredStage"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoredStage:
    """A finished stage.

    Attributes:
        state: the snapshot's bytes.
        history: what was recorded since the stage began.
        ending: what was measured because training stopped here.
        seconds: training time since the stage began.
    """

    state: bytes
    history: History
    ending: History
    seconds: float


class Store:
    """The stages under `root`; `ledger` says which of them are committed."""

    def __init__(self, root: Path, ledger: Ledger) -> None:
        self.root = root
        self._ledger = ledger

    def steps(self, key: str) -> list[int]:
        """Return the steps at which stages of the chain `key` were stored, in order."""
        return sorted(self._ledger.stages(key))

    def read(self, address: StageAddress) -> StoredStage:
        """Return a committed stage.

        Raises:
            SnapshotError: its bytes are not those that were written; the stage is set aside and no longer listed.
        """
        sha256, seconds = self._ledger.stages(address.key)[address.step]
        folder = stage_folder(self.root, address)
        try:
            contents = [(folder / name).read_bytes() for name in FILES]
        except OSError:
            contents = []
        if _sha256(contents) != sha256:
            self._set_aside(address, folder)
            raise SnapshotError(f"the stage at {folder} is not what was written; it is set aside")
        state, history, ending = contents
        return StoredStage(state, History.from_bytes(history), History.from_bytes(ending), seconds)

    def commit(self, address: StageAddress, stage: StoredStage) -> None:
        """Write a stage durably, all or nothing."""
        contents = [stage.state, stage.history.to_bytes(), stage.ending.to_bytes()]
        folder = stage_folder(self.root, address)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _beside(folder) as temporary:
            for name, content in zip(FILES, contents, strict=True):
                _write_synced(temporary / name, content)
            if folder.exists():  # a stage whose commit was cut short, or that was set aside
                shutil.rmtree(folder)
            temporary.rename(folder)
        _sync_folder(folder.parent)
        self._ledger.save_stage(address, _sha256(contents), stage.seconds)

    def _set_aside(self, address: StageAddress, folder: Path) -> None:
        log.warning("the stage at %s is damaged; it will be trained again", folder)
        self._ledger.drop_stage(address)
        if folder.exists():
            damaged = folder.with_suffix(".damaged")
            shutil.rmtree(damaged, ignore_errors=True)
            folder.rename(damaged)


def _sha256(contents: list[bytes]) -> str:
    total = hashlib.sha256()
    for content in contents:
        total.update(hashlib.sha256(content).digest())
    return total.hexdigest()


@contextlib.contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
