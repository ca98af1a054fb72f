import gzip
import struct
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from harness.core.errors import DataError
from harness.data.idx import read_idx


def idx_bytes(values: Tensor) -> bytes:
    header = bytes([0, 0, 0x08, values.dim()]) + struct.pack(f">{values.dim()}I", *values.shape)
    return header + bytes(values.flatten().tolist())


def zipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("idx") / "values-ubyte.gz"


@given(shape=st.lists(st.integers(0, 5), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_what_was_written_is_read(path: Path, shape: list[int], seed: int) -> None:
    stream = torch.Generator().manual_seed(seed)
    values = torch.randint(256, shape, dtype=torch.uint8, generator=stream)
    path.write_bytes(zipped(idx_bytes(values)))

    found = read_idx(path)

    assert found.dtype == torch.uint8
    assert torch.equal(found, values)


def test_sizes_above_a_byte_are_big_endian(path: Path) -> None:
    path.write_bytes(zipped(bytes([0, 0, 8, 2, 0, 0, 1, 4, 0, 0, 0, 2]) + bytes(520)))

    assert read_idx(path).shape == (260, 2)


def test_what_was_read_can_be_changed(path: Path) -> None:
    path.write_bytes(zipped(idx_bytes(torch.zeros(3, dtype=torch.uint8))))

    assert read_idx(path).add_(1).tolist() == [1, 1, 1]


WHOLE = idx_bytes(torch.arange(24, dtype=torch.uint8).reshape(2, 3, 4))
REFUSED = {
    "empty": (b"", "found the header"),
    "text": (b"no gzip file", "expected a gzip file"),
    "not compressed": (WHOLE, "expected a gzip file"),
    "cut in the trailer": (zipped(WHOLE)[:-1], "expected a gzip file"),
    "cut in the data": (zipped(WHOLE)[:12], "expected a gzip file"),
    "followed by something": (zipped(WHOLE) + b"more", "expected a gzip file"),
    "nothing compressed": (zipped(b""), "found the header"),
    "half a magic number": (zipped(b"\0\0"), "found the header 0000"),
    "floats": (zipped(b"\0\0\x0d\x01" + WHOLE[4:]), "unsigned bytes at .*, found the header 00000d01"),
    "another format": (zipped(b"\1\0\x08\x01" + WHOLE[4:]), "found the header 01000801"),
    "a byte short": (zipped(WHOLE[:-1]), "expected 24 bytes of data in .*, found 23"),
    "no data": (zipped(WHOLE[:16]), "expected 24 bytes of data in .*, found 0"),
    "a byte too many": (zipped(WHOLE + b"\0"), "expected 24 bytes of data in .*, found 25"),
}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_another_or_a_shorter_file_is_refused(path: Path, content: bytes, message: str) -> None:
    path.write_bytes(content)

    with pytest.raises(DataError, match=message) as caught:
        read_idx(path)

    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [bytes([0, 0, 8, 3, 0, 0]), bytes([0, 0, 8, 1])])
def test_a_header_cut_short_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "values.gz").write_bytes(gzip.compress(content))

    with pytest.raises(DataError, match="in the header of"):
        read_idx(tmp_path / "values.gz")


def test_damaged_compression_is_refused(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(bytes([0, 0, 8, 1, 0, 0, 0, 100]) + bytes(range(100)), mtime=0))
    content[11] ^= 0xFF
    (tmp_path / "values.gz").write_bytes(content)

    with pytest.raises(DataError, match="expected a gzip file"):
        read_idx(tmp_path / "values.gz")
