import io

import numpy as np
import pytest
from PIL import Image

from harness.reporting.verification.pictures import other_pictures

SVG = b'<svg><path id="p1234567890ab" d="M 1.25 30"/></svg>'


def png(change: int = 0, pixels: int = 0, level: int = 1) -> bytes:
    drawn = np.full((100, 100, 3), 200, dtype=np.uint8)
    drawn.reshape(-1, 3)[:pixels] -= np.uint8(change)
    out = io.BytesIO()
    Image.fromarray(drawn).save(out, "png", compress_level=level)
    return out.getvalue()


@pytest.mark.parametrize(
    ("path", "found", "expected"),
    [
        ("a.png", png(level=9), png()),
        ("a.png", png(change=3, pixels=10_000), png()),
        ("a.png", png(change=100, pixels=1), png()),
        ("a.svg", SVG.replace(b"1.25", b"1.26").replace(b"90ab", b"90cd"), SVG),
        ("a.csv", b"1", b"2"),
    ],
)
def test_last_bits_show_the_same(path: str, found: bytes, expected: bytes) -> None:
    assert other_pictures({path: found}, {path: expected}) == []


@pytest.mark.parametrize(
    ("path", "found", "expected"),
    [
        ("a.png", png(change=100, pixels=200), png()),
        ("a.png", b"png", png()),
        ("a.svg", SVG.replace(b"1.25", b"1.45"), SVG),
        ("a.svg", SVG.replace(b"/>", b"/><text>better</text>"), SVG),
        ("a.svg", b"\xff", SVG),
    ],
)
def test_what_a_reader_could_see_is_told(path: str, found: bytes, expected: bytes) -> None:
    assert other_pictures({path: found}, {path: expected}) == [path]
