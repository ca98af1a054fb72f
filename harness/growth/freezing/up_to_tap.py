"""Freezing of what a tap is computed from."""

from typing import Literal

from harness.growth.freezing._base import AbstractFreezePolicy, Candidate, cut

__all__ = ["UpToTap"]


class UpToTap(AbstractFreezePolicy):
    """Freeze the module at `tap`, and all that lies before it in the order of the network's modules.

    A module without parameters and buffers, such as a pooling, cannot be named: name the one before it.
    """

    kind: Literal["up_to_tap"] = "up_to_tap"
    tap: str

    def frozen(self, candidates: tuple[Candidate, ...], *, growth: int, age: int) -> frozenset[str]:  # noqa: ARG002
        """Return what is old and in the first of the two parts that the tap cuts the network into."""
        part = cut(candidates, (self.tap,))
        return frozenset(old.id for old in candidates if old.birth < growth and part[old.id] == 0)
