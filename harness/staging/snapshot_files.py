"""The files of a snapshot in the folder of its stage: one, or, if it is large, one for each large tensor and another.

A snapshot of `LARGE_BYTES` or less is one file. In a larger one, each tensor of `LARGE_TENSOR_BYTES` or more is a file
in the folder `tensors`, which the tensor pool shares with other stages. The rest is the file `state.rest.safetensors`:
its metadata say which tensor is which file, and hold the header of the whole, whose bytes are therefore known.
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from harness.core.errors import SnapshotError
from harness.core.synced import sync
from harness.staging.durable_files import is_denied, write_synced
from harness.staging.histories import SNAPSHOT_FILE
from harness.staging.snapshot_format import LENGTH_BYTES, METADATA, Buffer, SnapshotFile, header_bytes
from harness.staging.tensor_pool import TensorPool

__all__ = ["delete_snapshot", "pooled_names", "read_snapshot_files", "snapshot_sizes", "write_snapshot_files"]

REST_FILE, TENSORS = "state.rest.safetensors", "tensors"
HEADER, FILES = "header", "files"

# A file more costs as much time as writing some 150 kB.
LARGE_BYTES, LARGE_TENSOR_BYTES = 8 * 2**20, 256 * 2**10


def write_snapshot_files(folder: Path, content: Buffer, pool: TensorPool) -> None:
    """Write a snapshot into the folder of its stage, synced but for the folder itself.

    Raises:
        OSError: it cannot be written.
    """
    if len(content) <= LARGE_BYTES:
        write_synced(folder / SNAPSHOT_FILE, [content])
        return
    (folder / TENSORS).mkdir()
    snapshot = SnapshotFile.parse(content)
    large = [name for name in snapshot.tensors if len(snapshot.tensor_bytes(name)) >= LARGE_TENSOR_BYTES]
    files = {name: pool.put(folder / TENSORS, _alone(snapshot, name)) for name in large}
    sync(folder / TENSORS)
    write_synced(folder / REST_FILE, _rest(snapshot, files))


def read_snapshot_files(folder: Path) -> bytes | None:
    """Return the snapshot in the folder of a stage as it was written; None if there is none.

    Raises:
        SnapshotError: a file is missing or cannot be read.
        OSError: this process may not read it, or cannot now.
    """
    try:
        if (folder / SNAPSHOT_FILE).is_file():
            return (folder / SNAPSHOT_FILE).read_bytes()
        return _joined(folder) if (folder / REST_FILE).is_file() else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, OSError) and is_denied(error):
            raise
        raise SnapshotError(f"the snapshot in {folder} cannot be read: {' '.join(str(error).split())}") from None


def delete_snapshot(folder: Path, pool: TensorPool) -> None:
    """Delete the files of a snapshot, and those tensors that no other stage has."""
    names = pooled_names(folder)
    for file in (SNAPSHOT_FILE, REST_FILE):
        (folder / file).unlink(missing_ok=True)
    shutil.rmtree(folder / TENSORS, ignore_errors=True)
    pool.give_up(names)


def pooled_names(folder: Path) -> list[str]:
    """Return the names of the tensors of a stage that lie in files of their own."""
    return [path.name for path in _entries(folder / TENSORS)]


def snapshot_sizes(folder: Path) -> dict[tuple[int, int], int]:
    """Return the bytes of each file of a snapshot, by what tells one file from another, whatever its names."""
    files = [entry for entry in _entries(folder) if entry.name in (SNAPSHOT_FILE, REST_FILE)]
    stats = [entry.stat() for entry in (*files, *_entries(folder / TENSORS))]
    return {(stat.st_dev, stat.st_ino): stat.st_size for stat in stats}


def _entries(folder: Path) -> Iterator["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except (FileNotFoundError, NotADirectoryError):
        return


def _alone(snapshot: SnapshotFile, name: str) -> list[Buffer]:
    """Return the content of a file with one tensor, whose name there says nothing of the network."""
    content = snapshot.tensor_bytes(name)
    about = {**snapshot.tensors[name], "data_offsets": [0, len(content)]}
    return [header_bytes({"tensor": about}), content]


def _rest(snapshot: SnapshotFile, files: dict[str, str]) -> list[Buffer]:
    """Return the content of the file with everything else, and with the way back to the whole."""
    header: dict[str, object] = {}
    pieces, end = [], 0
    for name in (name for name in snapshot.tensors if name not in files):
        pieces.append(snapshot.tensor_bytes(name))
        header[name] = {**snapshot.tensors[name], "data_offsets": [end, end + len(pieces[-1])]}
        end += len(pieces[-1])
    metadata = {HEADER: snapshot.header[LENGTH_BYTES:].decode(), FILES: json.dumps(files)}
    return [header_bytes({METADATA: metadata, **header}), *pieces]


def _joined(folder: Path) -> bytes:
    rest = SnapshotFile.parse((folder / REST_FILE).read_bytes())
    files = json.loads(rest.metadata[FILES])
    text = rest.metadata[HEADER].encode()
    header = len(text).to_bytes(LENGTH_BYTES, "little") + text
    names = SnapshotFile.parse(header).tensors
    pieces = (
        SnapshotFile.parse((folder / TENSORS / Path(files[name]).name).read_bytes()).data
        if name in files
        else rest.tensor_bytes(name)
        for name in names
    )
    return b"".join([header, *pieces])
