"""Framed records in a file that only grows: a torn end, left by a kill or a full disk, is detected and skipped.

A frame is the length of its content (4 bytes, little-endian), the CRC-32 of the content (4 bytes), and the content.
"""

import struct
import zlib
from collections.abc import Iterator

__all__ = ["MOST_BYTES", "frame", "whole_frames"]

HEAD = struct.Struct("<II")
MOST_BYTES = 1 << 28  # a length beyond it is no length


def frame(content: bytes) -> bytes:
    """Return `content` as a frame.

    >>> [content for content, _ in whole_frames(frame(b"one") + frame(b"two")[:-1])]
    [b'one']
    """
    return HEAD.pack(len(content), zlib.crc32(content)) + content


def whole_frames(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield the content of each frame at the beginning of `data`, and where it ends, up to the first that is torn."""
    start = 0
    while start + HEAD.size <= len(data):
        length, checksum = HEAD.unpack_from(data, start)
        end = start + HEAD.size + length
        content = data[start + HEAD.size : end]
        if length > MOST_BYTES or end > len(data) or zlib.crc32(content) != checksum:
            return
        yield content, end
        start = end
