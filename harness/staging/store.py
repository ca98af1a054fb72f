"""The stage store: finished stages, addressed by the digest of everything that they depend on.

A stage is a folder `<key>/<step>` with three files: the snapshot (`state.safetensors`), the history since the stage
began (`history.safetensors`), and the final evaluation (`ending.safetensors`): the evaluations made only because
training may stop here, which are not part of the history of a run that goes on. Where these saw test data, a fourth
file has the answer to every test example (`answers.npz`). The folder is written under a temporary name, synced,
renamed, and then committed to the catalog.
"""

import contextlib
import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import SnapshotError, StoreError
from harness.core.history import History
from harness.staging.catalog import Catalog, StageEntry
from harness.staging.histories import ANSWERS_FILE, METRICS_FILES, SNAPSHOT_FILE, stage_folder
from harness.staging.leases import Lease
from harness.staging.ledger import Ledger, StageAddress

__all__ = ["Stage", "StageMetrics", "Store"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StageMetrics:
    """Everything measured in a stage.

    Attributes:
        history: since the stage began.
        final_evaluation: made because training may stop here; empty at a step where no run was known to end or fork.
        answers: to the test examples in the final evaluation, as `Answers.to_bytes` writes them; empty without any.
    """

    history: History
    final_evaluation: History
    answers: bytes = b""

    @property
    def whole(self) -> History:
        """The history followed by the final evaluation."""
        return self.history.then(self.final_evaluation)

    @property
    def without_test(self) -> "StageMetrics":
        """The same for a run that does not see test data."""
        return StageMetrics(self.history, self.final_evaluation.without("test/"))

    @property
    def files(self) -> dict[str, bytes]:
        """The contents of its files by name."""
        contents = (self.history.to_bytes(), self.final_evaluation.to_bytes())
        answers = {ANSWERS_FILE: self.answers} if self.answers else {}
        return dict(zip(METRICS_FILES, contents, strict=True)) | answers


@dataclass(frozen=True)
class Stage:
    """A stage to be stored.

    Attributes:
        start: the step at which it began.
        parent: the key of the stage before, or an empty string.
        snapshot: its bytes.
        seconds: training time since the stage began.
    """

    address: StageAddress
    start: int
    parent: str
    snapshot: bytes
    metrics: StageMetrics
    seconds: float


class Store:
    """The stages under `root`; the catalog in `ledger`'s database says which of them are committed."""

    def __init__(self, root: Path, ledger: Ledger) -> None:
        self.root = root
        self.ledger = ledger
        self._catalog = Catalog(ledger.database)

    def entries(self, key: str | None = None) -> list[StageEntry]:
        """Return the committed stages of the chain `key` by step, or of all chains."""
        return self._catalog.stages(key)

    def metrics(self, entry: StageEntry) -> StageMetrics:
        """Return everything measured in a stage.

        Raises:
            SnapshotError: the files' digests differ from the catalog; the stage is set aside and no longer listed.
        """
        # Whether there are answers is part of the digest, too.
        answered = (stage_folder(self.root, entry.address) / ANSWERS_FILE).exists()
        names = (*METRICS_FILES, ANSWERS_FILE) if answered else METRICS_FILES
        history, final_evaluation, *answers = self._read(entry, names, entry.metrics_sha256)
        return StageMetrics(History.from_bytes(history), History.from_bytes(final_evaluation), *answers)

    def snapshot(self, entry: StageEntry) -> bytes:
        """Return the snapshot of a stage.

        Raises:
            SnapshotError: as in `metrics`; also if the snapshot was evicted.
        """
        if entry.evicted:
            self._catalog.drop(entry.address)
            raise SnapshotError(f"the snapshot of {entry.address} was evicted")
        return self._read(entry, (SNAPSHOT_FILE,), entry.snapshot_sha256)[0]

    def commit(self, stage: Stage, lease: Lease | None = None) -> StageEntry:
        """Write a stage durably, all or nothing.

        Raises:
            LeaseLostError: `lease` belongs to another process by now.
            StoreError: it cannot be written; earlier stages are untouched.
        """
        metrics = stage.metrics.files
        folder = stage_folder(self.root, stage.address)
        try:
            _write(folder, {SNAPSHOT_FILE: stage.snapshot, **metrics})
        except OSError as error:
            raise StoreError(
                f"cannot write the stage {folder} ({error}); free space or choose another place with --store"
            ) from None
        entry = StageEntry(
            address=stage.address,
            start=stage.start,
            parent=stage.parent,
            snapshot_sha256=_sha256([stage.snapshot]),
            snapshot_bytes=len(stage.snapshot),
            metrics_sha256=_sha256([*metrics.values()]),
            metrics_bytes=sum(map(len, metrics.values())),
            seconds=stage.seconds,
        )
        self._catalog.save(entry, lease)
        return entry

    def evict(self, entry: StageEntry) -> None:
        """Delete a snapshot for its space; the metrics stay, and training the stage again makes the same snapshot."""
        self._catalog.evict(entry.address)
        (stage_folder(self.root, entry.address) / SNAPSHOT_FILE).unlink(missing_ok=True)

    def _read(self, entry: StageEntry, names: Sequence[str], sha256: str) -> list[bytes]:
        folder = stage_folder(self.root, entry.address)
        try:
            contents = [(folder / name).read_bytes() for name in names]
        except OSError:
            contents = []
        if _sha256(contents) != sha256:
            self._set_aside(entry.address, folder)
            raise SnapshotError(f"the stage at {folder} is not what was written; it is set aside")
        return contents

    def _set_aside(self, address: StageAddress, folder: Path) -> None:
        log.warning("the stage at %s is damaged; it will be trained again", folder)
        self._catalog.drop(address)
        if folder.exists():
            damaged = folder.with_suffix(".damaged")
            shutil.rmtree(damaged, ignore_errors=True)
            folder.rename(damaged)


def _sha256(contents: Sequence[bytes]) -> str:
    if len(contents) == 1:
        return hashlib.sha256(contents[0]).hexdigest()
    total = hashlib.sha256()
    for content in contents:
        total.update(hashlib.sha256(content).digest())
    return total.hexdigest()


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _beside(folder) as temporary:
        for name, content in files.items():
            _write_synced(temporary / name, content)
        if folder.exists():  # a stage whose commit was cut short, or that is made again
            shutil.rmtree(folder)
        temporary.rename(folder)
    _sync_folder(folder.parent)


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
