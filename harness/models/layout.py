"""Layouts: which axis of features counts examples, which features, and which positions.

A layout is a word with a letter for each axis: `B` for examples, `F` or `C` for features, any others for positions. So
`BTF` are sequences, `TBF` those of torch's recurrent layers by default, `BCL` what `nn.Conv1d` returns, and `BHWC` the
maps of a Swin transformer.
"""

from typing import Annotated

from pydantic import AfterValidator
from torch import Tensor

__all__ = ["Layout", "in_standard_order", "layout_for", "standard_layout", "to_layout", "to_sequence"]

POSITIONS = {2: "", 3: "T", 4: "HW", 5: "DHW"}


def _checked(layout: str) -> str:
    letters = set(layout)
    if len(letters) != len(layout) or "B" not in letters or len(letters & {"C", "F"}) != 1 or not layout.isupper():
        raise ValueError(
            "expected a layout such as 'BTF', 'TBF', 'BCL', 'BCHW' or 'BHWC': a letter for each axis, B for examples, "
            f"F or C for features; found {layout!r}"
        )
    return layout


Layout = Annotated[str, AfterValidator(_checked)]


def standard_layout(dims: int) -> str:
    """Return the layout that features of so many axes have where nothing else is said: `BF`, `BTF`, `BCHW`, ..."""
    return "BTF" if dims == 3 else layout_for(dims, 0, 1)


def layout_for(dims: int, examples: int, features: int) -> str:
    """Return the layout of so many axes, given the axis of examples and that of features."""
    positions = iter(POSITIONS.get(dims, "UVWXYZ"[: dims - 2]))
    if dims == 3 and features == 1 and examples == 0:
        return "BCL"
    letter = "F" if dims <= 3 else "C"
    return "".join("B" if axis == examples else letter if axis == features else next(positions) for axis in range(dims))


def in_standard_order(layout: str) -> str:
    """Return the letters of `layout` in the order of `standard_layout`."""
    letter, positions = _letters(layout)
    return f"B{positions}{letter}" if len(layout) == 3 else f"B{letter}{positions}"


def to_sequence(features: Tensor, layout: str) -> Tensor:
    """Return `features` as `[B, ..., F]`: examples first, features last, positions between as they are."""
    letter, positions = _letters(layout)
    return to_layout(features, layout, f"B{positions}{letter}")


def _letters(layout: str) -> tuple[str, str]:
    """Return the letter of the axis of features, and those of positions."""
    letter = "C" if "C" in layout else "F"
    return letter, "".join(axis for axis in layout if axis not in ("B", letter))


def to_layout(features: Tensor, layout: str, other: str) -> Tensor:
    """Return `features`, whose axes are those of `layout`, with the same axes in the order of `other`."""
    return features if layout == other else features.permute([layout.index(axis) for axis in other])
