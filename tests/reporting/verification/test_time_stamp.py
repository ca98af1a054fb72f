import random
from pathlib import Path

import pytest

from harness.reporting.verification.time_stamp import read_time_stamp

STAMPS = Path(__file__).parent / "time_stamp"


@pytest.mark.parametrize(("name", "algorithm"), [("stamped.json.tsr", "sha256"), ("sha512.tst", "sha512")])
def test_a_response_and_a_token_alone_say_what_was_stamped_and_when(name: str, algorithm: str) -> None:
    stamp = read_time_stamp((STAMPS / name).read_bytes())

    assert (stamp.algorithm, stamp.at) == (algorithm, 1795976704.0)
    assert stamp.is_of((STAMPS / "stamped.json").read_bytes())
    assert not stamp.is_of(b"another registration\n")


@pytest.mark.parametrize("content", [b"", b"0", b"\x30\x80\x00\x00", b"{}", b"\x30" * 3000, b"0" * 2_000_000])
def test_what_is_no_time_stamp_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="expected "):
        read_time_stamp(content)


def test_damage_is_refused_or_read_and_nothing_else() -> None:
    whole, stream = (STAMPS / "sha512.tst").read_bytes(), random.Random(1)
    for _ in range(500):
        damaged = bytearray(whole[: stream.randrange(1, len(whole) + 1)])
        damaged[stream.randrange(len(damaged))] = stream.randrange(256)
        try:
            read_time_stamp(bytes(damaged))
        except ValueError:
            continue
