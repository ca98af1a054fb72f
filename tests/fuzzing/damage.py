"""Damage to what is valid: a few bytes, numbers, places of JSON or cells of a database are not what they were."""

import copy
import gzip
import io
import json
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from random import Random
from typing import Any

from harness.tracking.live.frames import frame, whole_frames

__all__ = ["Damage", "bytes_damaged", "cells_damaged", "frames_damaged", "gzip_damaged", "json_damaged", "zip_damaged"]

Damage = Callable[[bytes, Random], bytes]

NUMBERS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)
DIGITS = (b"-1", b"0", b"00", b"1e999", b"2147483648", b"99999999999999999999", b"1" * 5000, b"nan", b"true")
PIECES = (b"\0", b"\xff", b"\n", b'"', b"'", b",", b"[" * 3000, b"{" * 50, b"\\", b"(", b")", b"\xed\xa0\x80", b"\r")
STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 10**400, 1.5, 1e308, float("nan"), float("inf"), "", "kind", "\0",
    "\ud800", "a" * 3000, "../../x", [], [[]], [None], {}, {"kind": "none"}, {"": ""}, "1e-4", "nan",
    json.loads("[" * 300 + "]" * 300),
)  # fmt: skip
DEEP = 3000


def bytes_damaged(content: bytes, chance: Random) -> bytes:
    """Change a few bytes, numbers or pieces."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4))):
        at, width = chance.randrange(len(changed) + 1), chance.choice((1, 2, 4, 8))
        match chance.randrange(8):
            case 0:
                changed[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                number = chance.choice(NUMBERS) & (2 ** (8 * width) - 1)
                changed[at : at + width] = number.to_bytes(width, chance.choice(("little", "big")))
            case 2:
                del changed[at:]
            case 3:
                del changed[at : at + chance.randrange(1, 40)]
            case 4:
                changed[at:at] = changed[max(0, at - chance.randrange(1, 40)) : at] * chance.choice((1, 2, 50))
            case 5:
                changed[at:at] = chance.choice(PIECES)
            case 6:
                _renumber(changed, at, chance)
            case 7:
                other = chance.randrange(len(changed) + 1)
                changed[at : at + width] = changed[other : other + width]
    return bytes(changed)


def _renumber(content: bytearray, at: int, chance: Random) -> None:
    """Put another number in the place of the first one that is written in digits after `at`."""
    start = next((place for place in range(at, len(content)) if chr(content[place]).isdigit()), None)
    if start is not None:
        end = next((place for place in range(start, len(content)) if not chr(content[place]).isdigit()), len(content))
        content[start:end] = chance.choice(DIGITS)


def json_damaged(content: bytes, chance: Random) -> bytes:
    """Put something strange at a few places of a JSON text, take one away, or add one."""
    value = json.loads(content)
    for _ in range(chance.choice((1, 1, 2, 3))):
        places = _places(value)
        if not places:
            break
        container, key = chance.choice(places)
        match chance.randrange(6):
            case 0:
                del container[key]
            case 1 if isinstance(container, dict):
                container[chance.choice(("", "kind", "extra", "\ud800", f"{key} "))] = container.pop(key)
            case 2:
                container[key] = json.loads(json.dumps(chance.choice(places)[0]))
            case 3 if isinstance(container, list):
                container += container * chance.choice((1, 20))
            case 4 if isinstance(container[key], int | float) and abs(container[key]) < 1e9:
                container[key] = type(container[key])(container[key] * chance.choice((-1, 0, 1e6)))
            case _:
                container[key] = copy.deepcopy(chance.choice(STRANGE))
    return json.dumps(value).encode()


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return every place of a JSON value, as the container and the key in it."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in keys for place in ((value, key), *_places(value[key]))]


def frames_damaged(content: bytes, chance: Random) -> bytes:
    """Change what is in a frame, whose checksum is right nevertheless."""
    frames = [inside for inside, _ in whole_frames(content)]
    chosen = chance.randrange(len(frames))
    head, end, rest = frames[chosen].partition(b"\n")
    if chance.random() < 0.3:
        frames[chosen] = bytes_damaged(frames[chosen], chance)
    else:
        frames[chosen] = json_damaged(head, chance) + end + rest
    return b"".join(map(frame, frames))


def gzip_damaged(content: bytes, chance: Random) -> bytes:
    """Change what is compressed."""
    return gzip.compress(bytes_damaged(gzip.decompress(content), chance), 1, mtime=0)


def zip_damaged(content: bytes, chance: Random) -> bytes:
    """Change what is in an archive."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        chosen = chance.choice(old.namelist())
        for name in old.namelist():
            new.writestr(name, bytes_damaged(old.read(name), chance) if name == chosen else old.read(name))
    return made.getvalue()


def cells_damaged(content: bytes, chance: Random) -> bytes:
    """Change a few cells of a SQLite database."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.deserialize(content)
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        filled = [name for name in tables if database.execute(f"SELECT count(*) FROM {name}").fetchone()[0]]
        for _ in range(chance.choice((1, 1, 2))):
            table = chance.choice(filled)
            column = chance.choice([row[1] for row in database.execute(f"PRAGMA table_info({table})")])
            rows = database.execute(f'SELECT rowid, "{column}" FROM {table}').fetchall()
            row, value = chance.choice(rows)
            database.execute(
                f'UPDATE OR IGNORE {table} SET "{column}" = ? WHERE rowid = ?', (_cell(value, chance), row)
            )
        database.commit()
        return database.serialize()


def _cell(value: object, chance: Random) -> object:
    if isinstance(value, str) and value[:1] in "{[" and value and chance.random() < 0.7:
        return json_damaged(value.encode(), chance).decode(errors="replace")
    if isinstance(value, str) and chance.random() < 0.5:
        return bytes_damaged(value.encode(), chance).decode(errors="replace")
    return chance.choice((0, -1, 2**62, 1.5, float("inf"), "", "x", b"\xff\0", "[" * DEEP, "{}", "null", "[1]"))
