"""Tensors that many snapshots have in common: each is one file, to which every stage that needs it has a hard link.

The files are named by the SHA-256 of their content, which holds type, shape and values. The file system counts the
links, so no lock and no table is needed: what a stage has a link to stays, whoever is killed at whatever moment, and
what nobody else has a link to is deleted from the pool. Where there are no hard links, each stage has a copy.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.staging.durable_files import write_synced
from harness.staging.snapshot_format import Buffer

__all__ = ["TensorPool"]


class TensorPool:
    """The tensors under `root`, in the same file system as the stages."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._intact: set[str] = set()  # found whole, or written, by this process

    def put(self, folder: Path, pieces: Sequence[Buffer]) -> str:
        """Give `folder` a file with the content `pieces`; return its name, without syncing the folder.

        Raises:
            OSError: it cannot be written.
        """
        name = _name(pieces)
        pooled = self._pooled(name)
        if not self._is_intact(name, pooled) or not _linked(pooled, folder / name):
            write_synced(folder / name, pieces)
            # Other names of a damaged file, or of one with as many links as there can be, are left alone.
            pooled.parent.mkdir(parents=True, exist_ok=True)
            pooled.unlink(missing_ok=True)
            if _linked(folder / name, pooled):
                self._intact.add(name)
        return name

    def give_up(self, names: Iterable[str]) -> None:
        """Delete those of the tensors `names` that no stage has a link to."""
        for name in names:
            self._delete_alone(self._pooled(name))

    def distrust(self, names: Iterable[str]) -> None:
        """Have no further stage link to these tensors, one of which may be damaged."""
        for name in names:
            self._intact.discard(name)
            self._pooled(name).unlink(missing_ok=True)

    def give_up_all(self) -> None:
        """Delete every tensor that no stage has a link to."""
        for path in self._root.glob("*/*"):
            self._delete_alone(path)

    def _pooled(self, name: str) -> Path:
        return self._root / name[:2] / name

    def _is_intact(self, name: str, pooled: Path) -> bool:
        if name not in self._intact and pooled.is_file() and _name([pooled.read_bytes()]) == name:
            self._intact.add(name)
        return name in self._intact

    @staticmethod
    def _delete_alone(pooled: Path) -> None:
        # A stage that links to it between these two lines keeps its file; the next one writes another.
        with contextlib.suppress(FileNotFoundError):
            if pooled.stat().st_nlink == 1:
                pooled.unlink()


def _name(pieces: Sequence[Buffer]) -> str:
    total = hashlib.sha256()
    for piece in pieces:
        total.update(piece)
    return f"{total.hexdigest()}.safetensors"


def _linked(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    except OSError:
        return False
    return True
