"""No freezing."""

from typing import Literal

from harness.growth.freezing._base import AbstractFreezePolicy, Candidate

__all__ = ["NoFreezing"]


class NoFreezing(AbstractFreezePolicy):
    """Freeze nothing: all that was trainable is trained."""

    kind: Literal["nothing"] = "nothing"

    def frozen(self, candidates: tuple[Candidate, ...], *, growth: int, age: int) -> frozenset[str]:  # noqa: ARG002
        """Return nothing."""
        return frozenset()
