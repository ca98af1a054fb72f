"""What a freeze policy is."""

from abc import abstractmethod
from dataclasses import dataclass

from harness.core.spec import LeafSpec

__all__ = ["AbstractFreezePolicy", "Candidate"]


@dataclass(frozen=True)
class Candidate:
    """A parameter or buffer that may be frozen.

    Attributes:
        id: its stable id.
        name: its name in the network now.
        birth: growths that came before it.
    """

    id: str
    name: str
    birth: int


class AbstractFreezePolicy(LeafSpec):
    """Says what stays bit for bit unchanged after a growth, until the next one's policy takes over."""

    @abstractmethod
    def frozen(self, candidates: tuple[Candidate, ...], *, growth: int, age: int) -> frozenset[str]:
        """Return the ids of what is frozen.

        Args:
            candidates: every parameter and buffer, in the order of the network's modules.
            growth: the number of the growth whose policy this is; what it added has this birth. The first is 1.
            age: optimizer updates since that growth.
        """

    def changes(self) -> tuple[int, ...]:
        """Return the ages, above 0, at which `frozen` answers otherwise than before; never, unless overridden."""
        return ()
