"""The stage store: finished stages, addressed by the digest of everything that they depend on.

A stage is a folder `<key>/<step>` with three files: the snapshot (`state.safetensors`), the history since the stage
began (`history.safetensors`), and the final evaluation (`ending.safetensors`): the evaluations made only because
training may stop here, which are not part of the history of a run that goes on. Where these saw test data, a fourth
file has the answer to every test example (`answers.npz`). A large snapshot lies in several files, some of which other
stages have, too (`snapshot_files`). The folder is written under a temporary name, synced, renamed, and then committed
to the catalog.
"""

import contextlib
import hashlib
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import SnapshotError, StoreError
from harness.core.history import History
from harness.core.synced import make_folder, sync
from harness.staging.catalog import Catalog, StageEntry
from harness.staging.durable_files import exchanged, is_denied, write_synced
from harness.staging.histories import ANSWERS_FILE, METRICS_FILES, stage_folder
from harness.staging.leases import Lease, Leases
from harness.staging.ledger import Ledger, StageAddress
from harness.staging.snapshot_files import (
    delete_snapshot,
    pooled_names,
    read_snapshot_files,
    snapshot_sizes,
    write_snapshot_files,
)
from harness.staging.snapshot_format import Buffer
from harness.staging.tensor_pool import TensorPool

__all__ = ["Stage", "StageMetrics", "Store"]

log = logging.getLogger(__name__)

TEMPORARY = ".[0-9]*-*"  # as `_replacing` names them
LEFT_AFTER_S = 3600.0  # nobody writes a stage for that long
LOOK_EVERY_S, WRITTEN_WITHIN_S = 0.02, 2.0  # at a stage whose files and entry differ, while somebody may write it

_Read = Callable[[Path], list[bytes | None]]


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
    snapshot: Buffer
    metrics: StageMetrics
    seconds: float


class Store:
    """The stages under `root`; the catalog in `ledger`'s database says which of them are committed."""

    def __init__(self, root: Path, ledger: Ledger) -> None:
        self.root = root
        self.ledger = ledger
        self._catalog = Catalog(ledger.database)
        self._pool = TensorPool(root / "tensors")

    def entries(self, key: str | None = None) -> list[StageEntry]:
        """Return the committed stages of the chain `key` by step, or of all chains."""
        return self._catalog.stages(key)

    def drop_damaged_entries(self) -> int:
        """Forget the stages of which the catalog does not say any more what was written; return their number."""
        damaged = self._catalog.damaged()
        for entry in damaged:
            self._set_aside(entry.address, stage_folder(self.root, entry.address))
        return len(damaged)

    def metrics(self, entry: StageEntry) -> StageMetrics:
        """Return everything measured in a stage.

        Raises:
            SnapshotError: the files' digests differ from the catalog; the stage is set aside and no longer listed.
            StoreError: this process may not read them.
        """
        history, final_evaluation, *answers = self._checked(entry, _metrics_files, lambda now: now.metrics_sha256)
        return StageMetrics(History.from_bytes(history), History.from_bytes(final_evaluation), *answers)

    def snapshot(self, entry: StageEntry) -> bytes:
        """Return the snapshot of a stage.

        Raises:
            SnapshotError: as in `metrics`; also if the snapshot was evicted.
        """
        if entry.evicted:
            self._catalog.drop(entry.address)
            raise SnapshotError(f"the snapshot of {entry.address} was evicted")
        return self._checked(entry, _snapshot_file, lambda now: now.snapshot_sha256)[0]

    def commit(self, stage: Stage, lease: Lease | None = None) -> StageEntry:
        """Write a stage durably, all or nothing.

        Raises:
            LeaseLostError: `lease` belongs to another process by now.
            StoreError: it cannot be written; earlier stages are untouched.
        """
        metrics = stage.metrics.files
        folder = stage_folder(self.root, stage.address)
        try:
            with _replacing(folder) as new:
                write_snapshot_files(new, stage.snapshot, self._pool)
                for name, content in metrics.items():
                    write_synced(new / name, [content])
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
        delete_snapshot(stage_folder(self.root, entry.address), self._pool)

    def snapshot_sizes(self, entry: StageEntry) -> dict[tuple[int, int], int]:
        """Return the bytes of each file of a snapshot; files that stages share have the same key in all of them."""
        return {} if entry.evicted else snapshot_sizes(stage_folder(self.root, entry.address))

    def clear_leftovers(self) -> None:
        """Delete what processes left that were killed while they wrote or evicted a stage."""
        for entry in self.entries():
            if entry.evicted:
                delete_snapshot(stage_folder(self.root, entry.address), self._pool)
        leases = Leases(self.ledger.database)
        for folder in filter(_is_left, self.root.glob(f"[0-9a-f][0-9a-f]/*/{TEMPORARY}")):
            with leases.hold(folder.parent.name) as lease:
                if lease:  # otherwise somebody may be writing it, however slowly
                    shutil.rmtree(folder, ignore_errors=True)
        self._pool.give_up_all()

    def _checked(self, entry: StageEntry, read: _Read, sha256_of: Callable[[StageEntry], str]) -> list[bytes]:
        """Return the contents of files of a stage, which are those that were written.

        Somebody may be writing it again, its files before its entry; then a difference is looked at until that is over.
        """
        folder, began = stage_folder(self.root, entry.address), time.monotonic()
        while True:
            contents = _allowed(read, folder)
            present = [content for content in contents if content is not None]
            if len(present) == len(contents) and _sha256(present) == sha256_of(entry):
                return present
            is_held = Leases(self.ledger.database).is_held(entry.address.key)
            seen, entry = entry, self._newest(entry)
            if entry == seen and not (is_held and time.monotonic() - began < WRITTEN_WITHIN_S):
                break
            time.sleep(LOOK_EVERY_S)
        self._set_aside(entry.address, folder)
        raise SnapshotError(f"the stage at {folder} is not what was written; it is set aside")

    def _newest(self, entry: StageEntry) -> StageEntry:
        return next((now for now in self.entries(entry.address.key) if now.address == entry.address), entry)

    def _set_aside(self, address: StageAddress, folder: Path) -> None:
        log.warning("the stage at %s is damaged; it will be trained again", folder)
        self._catalog.drop(address)
        self._pool.distrust(pooled_names(folder))
        if folder.exists():
            damaged = folder.with_suffix(".damaged")
            shutil.rmtree(damaged, ignore_errors=True)
            folder.rename(damaged)


def _is_left(temporary: Path) -> bool:
    try:
        return time.time() - temporary.stat().st_mtime >= LEFT_AFTER_S
    except FileNotFoundError:  # whoever was writing it is done
        return False


def _allowed(read: _Read, folder: Path) -> list[bytes | None]:
    try:
        return read(folder)
    except OSError as error:  # nothing is known to be wrong with the stage
        raise StoreError(
            f"cannot read the stage {folder} ({error.strerror}); let whoever shares the store read its files"
        ) from None


def _metrics_files(folder: Path) -> list[bytes | None]:
    # Whether there are answers is part of the digest, too.
    answered = (folder / ANSWERS_FILE).exists()
    return [_content(folder / name) for name in ((*METRICS_FILES, ANSWERS_FILE) if answered else METRICS_FILES)]


def _snapshot_file(folder: Path) -> list[bytes | None]:
    try:
        return [read_snapshot_files(folder)]
    except SnapshotError:
        return [None]


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError as error:
        if is_denied(error):
            raise
        return None


def _sha256(contents: Sequence[Buffer]) -> str:
    if len(contents) == 1:
        return hashlib.sha256(contents[0]).hexdigest()
    total = hashlib.sha256()
    for content in contents:
        total.update(hashlib.sha256(content).digest())
    return total.hexdigest()


@contextlib.contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """Yield a folder that takes the place of `folder` at the end of the block, if that does not raise."""
    make_folder(folder.parent)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield temporary
        sync(temporary)
        # One that is there was cut short, or is made again.
        if not folder.exists() or not exchanged(temporary, folder):
            shutil.rmtree(folder, ignore_errors=True)
            temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    sync(folder.parent)
