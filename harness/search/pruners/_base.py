"""What a pruner is."""

from abc import abstractmethod
from dataclasses import dataclass

from optuna.pruners import BasePruner
from pydantic import Field, NonNegativeInt, PositiveInt

from harness.core.errors import SpecError
from harness.core.spec import LeafSpec

__all__ = ["AbstractEven", "AbstractHalving", "AbstractPruner", "AbstractStepPruner", "Race", "Rung"]


@dataclass(frozen=True)
class Race:
    """What there is to decide about: runs of at least `steps` steps with so many `seeds`.

    Attributes:
        latest: the last step at which any configuration may grow, 0 if none does; None if it may come at any step.
    """

    steps: int
    seeds: int
    latest: int | None = 0


@dataclass(frozen=True)
class Rung:
    """A point at which a configuration is compared with those before it.

    Attributes:
        at: how far it is, as Optuna counts it.
        seeds: the first seeds of the trial are trained up to here, these are compared.
        until: the step at which they wait; None if they have ended.
    """

    at: int
    seeds: range
    until: int | None = None


class AbstractPruner(LeafSpec):
    """Says after each rung whether the runs of a configuration, of all its arms, go on or are given up.

    Compared is the mean of the deciding metric over the arms, on validation data: no arm is favored. A decision is a
    function of the trials before it, in their order, so each waits for all of those.
    """

    @abstractmethod
    def rungs(self, race: Race) -> tuple[Rung, ...]:
        """Return the rungs in their order.

        Raises:
            SpecError: there is no room for them.
        """

    @abstractmethod
    def made(self, race: Race) -> BasePruner:
        """Return Optuna's pruner."""


class AbstractStepPruner(AbstractPruner):
    """Compares at steps after the latest possible growth: before it, an early growth is a disadvantage for a while."""

    def room(self, race: Race) -> tuple[int, int]:
        """Return the step of the latest possible growth, and how many there are after it.

        Raises:
            SpecError: a growth may come at any step.
        """
        if race.latest is None:
            raise SpecError(
                f"pruner: {self.kind!r} compares after the latest possible growth, and here one may come at any step; "
                "use a trigger at a step, or the pruner 'wilcoxon', which compares what has ended"
            )
        return race.latest, race.steps - race.latest

    def checked(self, race: Race, after: list[int]) -> tuple[Rung, ...]:
        """Return rungs so many steps after the latest possible growth.

        Raises:
            SpecError: they are not at different steps before the end.
        """
        latest, room = self.room(race)
        if len(set(after)) < len(after) or not all(0 < age < room for age in after):
            raise SpecError(
                f"pruner: expected room for {len(after)} comparisons after the latest possible growth at step "
                f"{latest}, found an end at {race.steps}"
            )
        return tuple(Rung(age, range(race.seeds), latest + age) for age in after)


class AbstractEven(AbstractStepPruner):
    """Compares at evenly spaced steps between the latest possible growth and the end.

    Attributes:
        checks: comparisons.
        startup: trials that are never stopped.
    """

    checks: PositiveInt = 3
    startup: NonNegativeInt = 5

    def rungs(self, race: Race) -> tuple[Rung, ...]:
        """Return `checks` rungs."""
        _, room = self.room(race)
        return self.checked(race, [room * number // (self.checks + 1) for number in range(1, self.checks + 1)])


class AbstractHalving(AbstractStepPruner):
    """Compares at steps that grow by the factor `reduction`; of every so many configurations one goes on."""

    reduction: int = Field(default=3, ge=2)
    levels: int = Field(default=2, ge=1)

    def first(self, race: Race) -> int:
        """Return the steps after the latest possible growth at which the first comparison is."""
        _, room = self.room(race)
        first: int = room // self.reduction**self.levels
        return first

    def rungs(self, race: Race) -> tuple[Rung, ...]:
        """Return `levels` rungs."""
        return self.checked(race, [self.first(race) * self.reduction**level for level in range(self.levels)])
