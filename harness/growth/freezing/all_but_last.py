"""Freezing of all but the last blocks."""

from typing import Literal

from pydantic import PositiveInt

from harness.core.errors import SpecError
from harness.growth.freezing._base import AbstractFreezePolicy, Candidate, none_within

__all__ = ["AllButLast"]


class AllButLast(AbstractFreezePolicy):
    """Freeze all that lies before the last `count` children of the module at `blocks`.

    These children and everything after them are trained. A block that the growth appended counts as a child; one
    without parameters and buffers, such as an activation, does not.
    """

    kind: Literal["all_but_last"] = "all_but_last"
    blocks: str
    count: PositiveInt = 1

    def frozen(self, candidates: tuple[Candidate, ...], *, growth: int, age: int) -> frozenset[str]:  # noqa: ARG002
        """Return what is old and lies before the last blocks."""
        children = self._children(candidates)
        if self.count > len(children):
            raise SpecError(
                f"expected at most {len(children)} blocks in {self.blocks!r}, found count={self.count}; lower it"
            )
        first = children[-self.count]
        begin = next(index for index, candidate in enumerate(candidates) if candidate.within(first))
        return frozenset(old.id for old in candidates[:begin] if old.birth < growth)

    def _children(self, candidates: tuple[Candidate, ...]) -> list[str]:
        rests = [item.name.removeprefix(f"{self.blocks}.") for item in candidates if item.within(self.blocks)]
        names = dict.fromkeys(rest.partition(".")[0] for rest in rests if "." in rest)
        if not names:
            raise none_within(self.blocks, candidates)
        return [f"{self.blocks}.{name}" for name in names]
