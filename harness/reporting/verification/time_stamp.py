"""Time stamps by an authority (RFC 3161): what was stamped, and when.

The few fields that matter are read from the token's DER here. Whether the authority signed them is for `openssl ts`,
with certificates that the reader trusts.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

__all__ = ["TimeStamp", "read_time_stamp"]

MOST_BYTES = 1_000_000
SEQUENCE, OBJECT_ID, OCTETS, GENERALIZED_TIME = 0x30, 0x06, 0x04, 0x18
SIGNED_DATA, TIME_STAMP_INFO = "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
HASHES = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}


@dataclass(frozen=True)
class TimeStamp:
    """What a token says was stamped, and when.

    Attributes:
        algorithm: of the digest, such as `sha256`.
        imprint: the digest.
        at: the time in seconds since 1970.
    """

    algorithm: str
    imprint: bytes
    at: float

    def is_of(self, content: bytes) -> bool:
        """Whether the digest is that of `content`."""
        return hashlib.new(self.algorithm, content).digest() == self.imprint


def read_time_stamp(token: bytes) -> TimeStamp:
    """Read a response of an authority, `.tsr`, or a token alone.

    Raises:
        ValueError: it is neither, or its digest is of a kind that nobody should use any more.
    """
    try:
        info = list(_items(_info(token)))
        algorithm, imprint = _items(info[2][1])
        name = HASHES.get(_object_id(next(_items(algorithm[1]))))
        times = [content for tag, content in info[3:] if tag == GENERALIZED_TIME]
        if name is None or imprint[0] != OCTETS:
            raise ValueError("expected a digest by SHA-256, SHA-384 or SHA-512")
        return TimeStamp(name, imprint[1], _seconds(times[0]))
    except (IndexError, StopIteration, RuntimeError, UnicodeDecodeError) as error:
        raise ValueError("expected a time stamp as RFC 3161 defines it") from error


def _info(token: bytes) -> bytes:
    """Return the content of the `TSTInfo` in a response or a token."""
    if len(token) > MOST_BYTES:
        raise ValueError("expected a time stamp as RFC 3161 defines it, found far more bytes")
    outer = list(_items(_inside(token, SEQUENCE)))
    if outer[0][0] == SEQUENCE:  # the status of a response; the token follows
        outer = list(_items(outer[1][1]))
    if _object_id(outer[0]) != SIGNED_DATA:
        raise ValueError("expected signed data in a time stamp")
    signed = list(_items(_inside(outer[1][1], SEQUENCE)))
    kind, content = list(_items(signed[2][1]))[:2]
    if _object_id(kind) != TIME_STAMP_INFO:
        raise ValueError("expected the content of a time stamp")
    return _inside(_inside(content[1], OCTETS), SEQUENCE)


def _items(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and content of the values that follow each other."""
    place = 0
    while place < len(content):
        tag, length, place = content[place], content[place + 1], place + 2
        if length >= 0x80:
            amount = length & 0x7F
            length, place = int.from_bytes(content[place : place + amount], "big"), place + amount
        if place + length > len(content) or (length == 0 and tag == 0):
            raise IndexError("a value ends beyond its container")
        yield tag, content[place : place + length]
        place += length


def _inside(content: bytes, tag: int) -> bytes:
    found, inside = next(_items(content))
    if found != tag:
        raise IndexError("a value of another kind")
    return inside


def _object_id(item: tuple[int, bytes]) -> str:
    tag, content = item
    if tag != OBJECT_ID:
        raise IndexError("a value of another kind")
    parts: list[int] = []
    number = 0
    for byte in content:
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            parts.append(number)
            number = 0
    first = min(parts[0] // 40, 2)
    return ".".join(map(str, [first, parts[0] - 40 * first, *parts[1:]]))


def _seconds(time: bytes) -> float:
    """Return the seconds of a `GeneralizedTime` such as 20261129175501Z, which may have a fraction."""
    whole, _, fraction = time.decode("ascii").removesuffix("Z").partition(".")
    at = datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()
    return at + (float(f"0.{fraction}") if fraction else 0.0)
