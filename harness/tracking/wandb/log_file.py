"""The file that Weights & Biases writes of a run.

Records lie in blocks of 32 KiB, as in LevelDB's logs. Each has a checksum, a length and a kind; a long one is divided.
"""

import struct
import time
from collections.abc import Iterator
from pathlib import Path

from wandb.proto.wandb_internal_pb2 import Record

__all__ = ["records", "wait_until_whole"]

BLOCK, FILE_HEADER, RECORD = 32768, 7, struct.Struct("<IHB")
WHOLE, LAST = 1, 4  # kinds of parts that end a record
POLL_S = 0.005


def records(file: Path) -> Iterator[Record]:
    """Yield the records of a file, up to one that is not all there yet."""
    data, place, content = file.read_bytes(), FILE_HEADER, b""
    while place + RECORD.size <= len(data):
        left = BLOCK - place % BLOCK
        if left < RECORD.size:
            place += left
            continue
        _, length, kind = RECORD.unpack_from(data, place)
        place += RECORD.size + length
        if place > len(data):
            return
        content += data[place - length : place]
        if kind in (WHOLE, LAST):
            yield Record.FromString(content)
            content = b""


def wait_until_whole(file: Path, limit_s: float) -> None:
    """Wait until the process that writes the file has written how the run ended: the client does not wait for it.

    Raises:
        TimeoutError: it has not within `limit_s` seconds.
    """
    began = time.monotonic()
    while not (file.exists() and any(record.HasField("exit") for record in records(file))):
        if time.monotonic() - began > limit_s:
            raise TimeoutError(f"{file} is not whole after {limit_s:g} s")
        time.sleep(POLL_S)
