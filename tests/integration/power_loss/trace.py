"""What a process changed on a disk: the calls that `recorder.c` wrote down, and what they make of files and folders."""

import hashlib
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

__all__ = ["Call", "Disk", "Kind", "read_calls"]

NUMBERS = struct.Struct("=6q")
INDEX = "-shm"  # of a write-ahead log: SQLite makes it anew, and changes it in memory


class Kind(IntEnum):
    """Of a call, as in `recorder.c`."""

    WRITE = 0
    TRUNCATE = 1
    SYNC = 2
    CREATE = 3
    FOLDER = 4
    LINK = 5
    REMOVE = 6
    RENAME = 7
    EXCHANGE = 8
    NOTE = 9


@dataclass(frozen=True)
class Call:
    """A call that changed something.

    Attributes:
        place: the file that is written, cut or synced, or the folder in which a name changes or that is synced.
        other: what gets the name.
        at: where it is written, to which size it is cut, or the folder in which something had another name.
        text: what is written, or the name; `before` is the name that it had.
    """

    kind: Kind
    place: int
    other: int = 0
    at: int = 0
    text: bytes = b""
    before: bytes = b""


def read_calls(trace: Path) -> list[Call]:
    """Return the calls in their order; inodes that were used again have numbers of their own."""
    content, position, known, calls = trace.read_bytes(), 0, dict[int, int](), list[Call]()
    while position < len(content):
        kind, place, other, at, *sizes = NUMBERS.unpack_from(content, position)
        position += NUMBERS.size
        text, before = (content[start : start + size] for start, size in _places(position, sizes))
        position += sum(sizes)
        if kind in (Kind.CREATE, Kind.FOLDER):
            known[other] = -len(calls) - 1
        left = known.get(at, at) if kind in (Kind.RENAME, Kind.EXCHANGE) else at
        calls.append(Call(Kind(kind), known.get(place, place), known.get(other, other), left, text, before))
    return calls


def _places(position: int, sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    for size in sizes:
        yield position, size
        position += size


@dataclass
class Disk:
    """Files and folders, by inode, below the folder `root`."""

    root: int
    files: dict[int, bytes] = field(default_factory=dict)
    folders: dict[int, dict[bytes, int]] = field(default_factory=dict)

    @classmethod
    def read(cls, root: Path) -> "Disk":
        """Return what there is below a folder."""
        disk = cls(root.stat().st_ino)
        for folder, names, files in os.walk(root):
            entries = {name: (Path(folder) / name).stat().st_ino for name in (*names, *files)}
            disk.folders[Path(folder).stat().st_ino] = {os.fsencode(name): inode for name, inode in entries.items()}
            disk.files |= {entries[name]: (Path(folder) / name).read_bytes() for name in files}
        return disk

    def after(self, calls: Sequence[Call]) -> "Disk":
        """Return what there is after these calls have reached the disk, in whose order they were made."""
        disk = Disk(self.root, dict(self.files), {place: dict(names) for place, names in self.folders.items()})
        written = dict[int, bytearray]()
        for call in calls:
            if call.kind in (Kind.WRITE, Kind.TRUNCATE):
                file = written.setdefault(call.place, bytearray(disk.files.get(call.place, b"")))
                _change(file, call)
            elif call.kind == Kind.CREATE:
                disk.files[call.other] = b""
            if Kind.CREATE <= call.kind < Kind.NOTE:
                disk._name(call)
        disk.files |= {place: bytes(content) for place, content in written.items()}
        return disk

    def _name(self, call: Call) -> None:
        names = self.folders.setdefault(call.place, {})
        if call.kind == Kind.REMOVE:
            names.pop(call.text, None)
            return
        if call.kind == Kind.FOLDER:
            self.folders.setdefault(call.other, {})
        if call.kind in (Kind.RENAME, Kind.EXCHANGE):
            left, replaced = self.folders.setdefault(call.at, {}), names.get(call.text)
            left.pop(call.before, None)
            if call.kind == Kind.EXCHANGE and replaced is not None:
                left[call.before] = replaced
        names[call.text] = call.other

    def paths(self, folder: int | None = None, above: str = "") -> dict[str, int]:
        """Return the inode of each file and folder by its path; only what a name leads to is there."""
        found: dict[str, int] = {}
        for name, inode in sorted(self.folders.get(self.root if folder is None else folder, {}).items()):
            path = above + os.fsdecode(name)
            if not path.endswith(INDEX):
                found |= {path: inode} | (self.paths(inode, f"{path}/") if inode in self.folders else {})
        return found

    def tree(self) -> dict[str, bytes | None]:
        """Return the content of each file by its path, None for a folder."""
        return {path: None if i in self.folders else self.files.get(i, b"") for path, i in self.paths().items()}

    def digest(self) -> bytes:
        """Return what tells one disk from another: names, contents, and which names are those of one file."""
        total, paths = hashlib.sha256(), self.paths()
        numbers = {inode: number for number, inode in enumerate(dict.fromkeys(paths.values()))}
        for path, inode in paths.items():
            content = b"folder" if inode in self.folders else hashlib.sha256(self.files.get(inode, b"")).digest()
            total.update(f"{path}\0{numbers[inode]}\0".encode() + content)
        return total.digest()

    def save(self, to: Path) -> None:
        """Make a folder with what there is."""
        to.mkdir()
        written = dict[int, Path]()
        for path, inode in self.paths().items():
            if inode in self.folders:
                (to / path).mkdir()
            elif inode in written:
                os.link(written[inode], to / path)
            else:
                (to / path).write_bytes(self.files.get(inode, b""))
                written[inode] = to / path


def _change(file: bytearray, call: Call) -> None:
    if call.kind == Kind.TRUNCATE:
        del file[call.at :]
        file.extend(bytes(call.at - len(file)))
        return
    file.extend(bytes(max(0, call.at - len(file))))
    file[call.at : call.at + len(call.text)] = call.text
