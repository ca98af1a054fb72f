"""Whether two drawings show the same, where another machine's last bits make other bytes of them."""

import io
import math
import re
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image

__all__ = ["other_pictures"]

ID = re.compile(r"[A-Za-z]?[0-9a-f]{10,}")  # matplotlib's names of what is drawn often are digests of it
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
NEAR = 0.05  # points in a drawing
VISIBLE = 32  # of 255 levels of a color
FEW = 0.0002  # of the pixels


def other_pictures(found: Mapping[str, bytes], expected: Mapping[str, bytes]) -> list[str]:
    """Return the paths of drawings in both that do not show the same."""
    kinds = {".png": _same_pixels, ".svg": _same_lines}
    return [
        path
        for path, content in found.items()
        if path[-4:] in kinds and path in expected and content != expected[path]
        if not _shows_the_same(kinds[path[-4:]], content, expected[path])
    ]


def _shows_the_same(same: Callable[[bytes, bytes], bool], found: bytes, expected: bytes) -> bool:
    try:
        return same(found, expected)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # no drawing
        return False


def _same_pixels(found: bytes, expected: bytes) -> bool:
    one, other = (Image.open(io.BytesIO(content)) for content in (found, expected))
    if one.size != other.size:
        return False
    levels = [np.asarray(image.convert("RGBA"), dtype=np.int16) for image in (one, other)]
    return bool(np.mean(np.abs(levels[0] - levels[1]).max(axis=-1) > VISIBLE) <= FEW)


def _same_lines(found: bytes, expected: bytes) -> bool:
    texts = [ID.sub("#", content.decode()) for content in (found, expected)]
    if NUMBER.sub("#", texts[0]) != NUMBER.sub("#", texts[1]):
        return False
    pairs = zip(*(map(float, NUMBER.findall(text)) for text in texts), strict=True)
    return all(math.isclose(one, other, rel_tol=1e-6, abs_tol=NEAR) for one, other in pairs)
