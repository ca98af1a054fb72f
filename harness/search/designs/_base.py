"""What a design is."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from harness.core.spec import LeafSpec

__all__ = ["AbstractDesign", "Part"]


@dataclass(frozen=True)
class Part:
    """One search among those of a study: what Optuna calls a study.

    Attributes:
        name: behind the study's own; empty if the study is one search.
        stream: of the proposals: parts of the same stream are proposed the same as long as they have learned nothing.
        arms: under which each of its configurations is run.
        replicate: its number, from 0.
    """

    name: str
    stream: str
    arms: tuple[str, ...]
    replicate: int = 0


class AbstractDesign(LeafSpec):
    """How configurations, arms and seeds are laid out so that the difference between arms can be told."""

    @abstractmethod
    def parts(self, arms: Sequence[str]) -> tuple[Part, ...]:
        """Return the searches that are made."""

    @abstractmethod
    def seeds_of(self, part: Part, number: int, seeds: int) -> tuple[int, ...]:
        """Return the seeds of trial `number` of a part; asked for more `seeds`, it returns these and others.

        Raises:
            SpecError: there are not so many.
        """

    def trial(self, part: Part, number: int) -> int:  # noqa: ARG002
        """Return the number that trial `number` of a part has in the study."""
        return number

    def confirmation_seeds(self, replicate: int, seeds: int) -> tuple[int, ...]:  # noqa: ARG002
        """Return the seeds with which the winners of a replicate are trained once more; by default none."""
        return ()

    @property
    def confirms(self) -> bool:
        """Whether only the runs of a confirmation are evaluated on test data, and compared."""
        return bool(self.confirmation_seeds(0, 1))
