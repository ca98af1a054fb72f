"""Freezing by name."""

from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import Field

from harness.core.errors import SpecError
from harness.core.spec import did_you_mean
from harness.growth.freezing._base import AbstractFreezePolicy, Candidate

__all__ = ["ByName"]


class ByName(AbstractFreezePolicy):
    """Freeze the parameters whose names match one of `patterns`, or train these and freeze all others.

    In a pattern `*` stands for any text, including dots: `blocks.0.*`, `*.bias`. A layer whose weights are trained
    while its running statistics are frozen normalizes as in eval mode.

    Attributes:
        patterns: of the names of parameters and buffers; each must match at least one.
        matched: what is done with those that match.
    """

    kind: Literal["by_name"] = "by_name"
    patterns: Annotated[tuple[str, ...], Field(min_length=1)]
    matched: Literal["freeze", "train"] = "freeze"

    def frozen(self, candidates: tuple[Candidate, ...], *, growth: int, age: int) -> frozenset[str]:  # noqa: ARG002
        """Return what is old and fits, or does not. Raises `SpecError` for a pattern that fits nothing."""
        old = [candidate for candidate in candidates if candidate.birth < growth]
        self._check(old if self.matched == "freeze" else list(candidates))
        return frozenset(item.id for item in old if self._fits(item.name) == (self.matched == "freeze"))

    def _fits(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.patterns)

    def _check(self, candidates: list[Candidate]) -> None:
        names = [candidate.name for candidate in candidates]
        for pattern in self.patterns:
            if not any(fnmatchcase(name, pattern) for name in names):
                raise SpecError(
                    f"expected a pattern that fits something to {self.matched}, found {pattern!r}; "
                    f"for a whole module write 'path.*'.{did_you_mean(pattern, names)}"
                )
