"""Freezing of all that existed before the growth."""

from typing import Literal

from harness.growth.freezing._base import AbstractFreezePolicy, Candidate

__all__ = ["OldParameters"]


class OldParameters(AbstractFreezePolicy):
    """Freeze every parameter and buffer that existed before the growth."""

    kind: Literal["old_parameters"] = "old_parameters"

    def frozen(self, candidates: tuple[Candidate, ...], *, growth: int, age: int) -> frozenset[str]:  # noqa: ARG002
        """Return all that was born earlier."""
        return frozenset(candidate.id for candidate in candidates if candidate.birth < growth)

    @property
    def freezes_old_parameters(self) -> bool:
        """Whether running statistics stand still, too."""
        return self.frozen_norm == "eval"
